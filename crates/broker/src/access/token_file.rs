//! The file of tokens: one a line, reread when it changes.

use super::known::{KnownToken, TokenError};
use crate::limits;
use std::fmt::Display;
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file that was written so lately may be written again without looking any different.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

pub(super) struct TokenFile {
    path: PathBuf,
    /// As it was when it was read; none if it must be read again.
    seen: Option<Seen>,
    /// The last thing that was wrong, so that it is said once.
    said: Option<TokenError>,
    last: Vec<KnownToken>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    modified_ns: (i64, i64),
    bytes: u64,
    inode: (u64, u64),
}

impl Seen {
    fn of(file: &Metadata) -> Seen {
        Seen { modified_ns: (file.mtime(), file.mtime_nsec()), bytes: file.len(), inode: (file.dev(), file.ino()) }
    }
}

impl TokenFile {
    pub(super) fn open(path: &Path) -> Result<(TokenFile, Vec<KnownToken>), TokenError> {
        let (tokens, seen) = read(path)?;
        let file = TokenFile { path: path.to_owned(), seen, said: None, last: tokens.clone() };
        Ok((file, tokens))
    }

    pub(super) fn shown(&self) -> impl Display {
        self.path.display()
    }

    /// What it says now, if that is not what it said when it was last asked.
    pub(super) async fn changed(&mut self) -> Option<Result<Vec<KnownToken>, TokenError>> {
        let (path, seen) = (self.path.clone(), self.seen);
        let read = tokio::task::spawn_blocking(move || {
            let is_as_seen = || std::fs::metadata(&path).is_ok_and(|file| Some(Seen::of(&file)) == seen);
            if seen.is_some() && is_as_seen() { None } else { Some(read(&path)) }
        });
        match read.await.ok()?? {
            Ok((tokens, seen)) => {
                self.seen = seen;
                let was_wrong = self.said.take().is_some();
                if tokens == self.last && !was_wrong {
                    return None;
                }
                self.last.clone_from(&tokens);
                Some(Ok(tokens))
            }
            Err(error) => {
                self.seen = None;
                if self.said.as_ref() == Some(&error) {
                    return None;
                }
                self.said = Some(error.clone());
                Some(Err(error))
            }
        }
    }
}

/// The tokens, and how the file looked, if it will look different once it changes.
fn read(path: &Path) -> Result<(Vec<KnownToken>, Option<Seen>), TokenError> {
    let shown = path.display();
    let cannot = |error: io::Error| TokenError(format!("the token file {shown} cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    let max = limits::TOKEN_FILE_BYTES_MAX;
    let mut text = Vec::new();
    file.take(max + 1).read_to_end(&mut text).map_err(cannot)?;
    if text.len() as u64 > max {
        return Err(TokenError(format!("the token file {shown} is longer than {max} bytes, which is the limit")));
    }
    let text = String::from_utf8(text).map_err(|_| TokenError(format!("the token file {shown} is not UTF-8")))?;
    let tokens = parse(&text).map_err(|(line, why)| TokenError(format!("{shown}, line {line}: {why}")))?;
    let age = about.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    let is_settled = age.is_some_and(|age| age > SETTLED_AFTER);
    Ok((tokens, is_settled.then(|| Seen::of(&about))))
}

/// What is wrong, and in which line.
fn parse(text: &str) -> Result<Vec<KnownToken>, (usize, TokenError)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let tokens = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    tokens.map(|(at, line)| KnownToken::line(line).map_err(|why| (at, why))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_mistake_is_named_by_its_line_and_what_would_be_right() {
        let good = format!("# who may what\n\n api client+monitor customer=acme sha256:{DIGEST}\n");
        assert_eq!(parse(&good).unwrap()[0].to_string(), format!("api client+monitor customer=acme sha256:{DIGEST}"));
        for (line, says) in [
            ("api", "is not NAME ROLES"),
            ("api operator sha256:0", "roles are client"),
            ("api client", "`callboard token new`"),
            ("api client sha256:12", "64 hexadecimal digits"),
            ("api client secret-text", "never the secret itself"),
            (&format!("api client sha256:{DIGEST} sha256:{DIGEST}"), "one line for each secret"),
            (&format!("gpu worker machines=* sha256:{DIGEST}"), "machines must not be empty"),
            (&format!("gpu client machines=a* sha256:{DIGEST}"), "not a worker's"),
            (&format!("a/b client sha256:{DIGEST}"), "its name may not contain '/'"),
        ] {
            let (at, why) = parse(&format!("{good}{line}\n")).unwrap_err();
            assert!(at == 4 && why.to_string().contains(says), "{line}: line {at}: {why}");
            assert!(!why.to_string().contains("secret-text"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_file_that_becomes_unreadable_is_said_once_and_read_again_when_it_is_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(&format!("a client sha256:{DIGEST}\n"));
        let (mut file, tokens) = TokenFile::open(&path).unwrap();
        assert_eq!(tokens.len(), 1);
        assert!(file.changed().await.is_none());
        write("a nobody sha256:0\n");
        let why = file.changed().await.unwrap().unwrap_err().to_string();
        assert!(why.contains("line 1") && why.contains(&*path.to_string_lossy()), "{why}");
        assert!(file.changed().await.is_none(), "it is said once");
        std::fs::remove_file(&path).unwrap();
        assert!(file.changed().await.unwrap().unwrap_err().to_string().contains("cannot be read"));
        // Of the same length and, on a coarse clock, the same time.
        write(&format!("b client sha256:{DIGEST}\n"));
        assert_eq!(file.changed().await.unwrap().unwrap()[0].to_string(), format!("b client sha256:{DIGEST}"));
        write(&format!("c client sha256:{DIGEST}\n"));
        assert!(file.changed().await.unwrap().is_ok());
    }
}
