//! A backup as one file: a tar of known names in a known order.
//!
//! ```text
//!   format                 "callboard backup 1"
//!   files/<hash>           in the order of their names
//!   callboard.db.archive   callboard.db.search (if there)   callboard.db
//!   manifest               where the parts stand, and the bytes and SHA-256 of each database
//! ```
//!
//! The manifest comes last, so that a backup that was cut off has none, and everything else is
//! written in one pass. What is read back is written by strangers for all we know: nothing in it
//! names a place on the disk.

use super::database::Database;
use super::{OpsError, beside};
use crate::files::{Folders, sync, weather};
use crate::{FileHash, Position};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// First line of the first entry. A backup of a higher number was made by a newer Callboard.
const FORMAT: &str = "callboard backup 1\n";
const FORMAT_NAME: &str = "format";
const MANIFEST_NAME: &str = "manifest";
const FILES_PREFIX: &str = "files/";

/// The name of a backup goes on like this until it is whole.
pub(super) const PARTIAL: &str = ".partial";

const EXISTS: &str = "is there already; choose another name, nothing is overwritten";

/// The manifest is a few lines.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Where the journal ends.
    pub tail: Position,
    /// How many large contents, and their bytes.
    pub files: u64,
    pub files_bytes: u64,
    /// Name, bytes and SHA-256 of each database.
    databases: Vec<(Database, u64, FileHash)>,
}

impl Manifest {
    /// Bytes of everything in it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files_bytes + self.databases.iter().map(|(_, bytes, _)| bytes).sum::<u64>()
    }

    fn encode(&self) -> String {
        let Position { epoch, seq, hash } = self.tail;
        let mut text = format!("tail {epoch} {seq} {}\n", u64::from_be_bytes(hash));
        for (database, bytes, hash) in &self.databases {
            // Writing to a string does not fail.
            let _ = writeln!(text, "database {} {bytes} {hash}", database.name());
        }
        let _ = writeln!(text, "files {} {}", self.files, self.files_bytes);
        text
    }

    /// Reads what [`encode`](Self::encode) wrote, and nothing else.
    fn decode(text: &str) -> Option<Manifest> {
        let (mut tail, mut files, mut databases) = (None, None, Vec::new());
        for line in text.lines() {
            match *line.split(' ').collect::<Vec<_>>() {
                ["tail", epoch, seq, hash] => {
                    let hash = hash.parse::<u64>().ok()?.to_be_bytes();
                    tail = Some(Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()?, hash });
                }
                ["database", name, bytes, hash] => {
                    let database = Database::ALL.into_iter().find(|database| database.name() == name)?;
                    databases.push((database, bytes.parse().ok()?, FileHash::from_hex(hash)?));
                }
                ["files", count, bytes] => files = Some((count.parse().ok()?, bytes.parse().ok()?)),
                _ => return None,
            }
        }
        let (files, files_bytes) = files?;
        let manifest = Manifest { tail: tail?, files, files_bytes, databases };
        (manifest.encode() == text).then_some(manifest)
    }
}

/// A backup that is being written, under a name that says so until it is whole.
pub(super) struct Packer {
    out: tar::Builder<BufWriter<File>>,
    path: PathBuf,
    partial: PathBuf,
    manifest: Manifest,
}

impl Packer {
    /// Begins the backup at `path`, where nothing may be. What one that was cut off left under the
    /// partial name is written over.
    pub(super) fn begin(path: &Path) -> Result<Packer, OpsError> {
        let partial = beside(path, PARTIAL);
        let failed = |error: io::Error| OpsError::from(weather(&partial, &error));
        if fs::symlink_metadata(path).is_ok() {
            return Err(OpsError::refused(path, EXISTS));
        }
        let file = File::options().create(true).write(true).truncate(false).open(&partial).map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(OpsError::refused(&partial, "another backup is being written there"));
        }
        file.set_len(0).map_err(failed)?;
        let mut packer = Packer {
            out: tar::Builder::new(BufWriter::with_capacity(1 << 20, file)),
            path: path.to_owned(),
            partial,
            manifest: Manifest { tail: Position::START, files: 0, files_bytes: 0, databases: Vec::new() },
        };
        packer.add(FORMAT_NAME, FORMAT.len() as u64, FORMAT.as_bytes())?;
        Ok(packer)
    }

    /// Adds the large content `file`, whose bytes were checked; in the order of their names.
    pub(super) fn file(&mut self, file: FileHash, bytes: &[u8]) -> Result<(), OpsError> {
        self.add(&format!("{FILES_PREFIX}{file}"), bytes.len() as u64, bytes)?;
        self.manifest.files += 1;
        self.manifest.files_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Adds the database in the file `from`, which nobody writes.
    pub(super) fn database(&mut self, database: Database, from: &Path) -> Result<(), OpsError> {
        let failed = |error: &io::Error| weather(from, error);
        let opened = File::open(from).map_err(|error| failed(&error))?;
        let bytes = opened.metadata().map_err(|error| failed(&error))?.len();
        let mut reader = Hashing::new(opened);
        self.add(database.name(), bytes, &mut reader)?;
        self.manifest.databases.push((database, bytes, reader.hash()));
        Ok(())
    }

    /// Ends it with a journal that ends at `tail`: it is whole and durable under its name then.
    pub(super) fn end(mut self, tail: Position) -> Result<Manifest, OpsError> {
        self.manifest.tail = tail;
        let text = self.manifest.encode();
        self.add(MANIFEST_NAME, text.len() as u64, text.as_bytes())?;
        let Packer { out, path, partial, manifest } = self;
        let written = out.into_inner().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
        written.and_then(|file| file.sync_all()).map_err(|error| weather(&partial, &error))?;
        // Linked, not renamed: what came to that name meanwhile is not replaced.
        match fs::hard_link(&partial, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OpsError::refused(&path, EXISTS))?,
            Err(_) => fs::rename(&partial, &path).map_err(|error| weather(&path, &error))?,
            Ok(()) => fs::remove_file(&partial).map_err(|error| weather(&partial, &error))?,
        }
        sync(path.parent().unwrap_or(Path::new(".")))?;
        Ok(manifest)
    }

    fn add(&mut self, name: &str, bytes: u64, data: impl Read) -> Result<(), OpsError> {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes);
        header.set_mode(0o600);
        self.out.append_data(&mut header, name, data).map_err(|error| weather(&self.partial, &error))?;
        Ok(())
    }
}

/// Writes all that the backup at `from` holds into the empty folder `into`, durably but for the
/// folders: the databases under the names they have in it, and `files` as [`Folders`] keeps them.
/// Every byte was checked when this returns; what was written when it fails is of no use.
pub(super) fn unpack(from: &Path, into: &Path) -> Result<Manifest, OpsError> {
    let opened = File::open(from).map_err(|error| OpsError::refused(from, error.to_string()))?;
    let bytes = opened.metadata().map_err(|error| weather(from, &error))?.len();
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, opened));
    let damaged = |error: io::Error| OpsError::refused(from, format!("is no whole backup: {error}"));
    let folders = Folders::at(&into.join("files"));
    let mut unpacker =
        Unpacker { from, into, folders, bytes, found: Vec::new(), files: (0, 0), last: None, manifest: None };
    let mut is_first = true;
    // Raw: a long name, a link or a sparse file is an entry of its own kind, which is refused.
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        let name = unpacker.check(&entry)?;
        if is_first {
            unpacker.check_format(&name, &mut entry)?;
            is_first = false;
        } else {
            unpacker.take(&name, &mut entry)?;
        }
    }
    unpacker.end()
}

struct Unpacker<'a> {
    from: &'a Path,
    into: &'a Path,
    folders: Folders,
    /// Of the whole backup.
    bytes: u64,
    found: Vec<(Database, u64, FileHash)>,
    /// How many, and their bytes.
    files: (u64, u64),
    last: Option<FileHash>,
    manifest: Option<Manifest>,
}

impl Unpacker<'_> {
    fn refused(&self, why: &str) -> OpsError {
        OpsError::refused(self.from, format!("{why}; this is no backup of Callboard, or a damaged one"))
    }

    /// Refuses what no backup has, whatever its name says; returns the name.
    fn check<R: Read>(&self, entry: &tar::Entry<'_, R>) -> Result<String, OpsError> {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind != tar::EntryType::Regular {
            return Err(self.refused(&format!("its entry {name:?} is no file but {kind:?}")));
        }
        if entry.size() > self.bytes {
            let (says, has) = (entry.size(), self.bytes);
            return Err(self.refused(&format!("its entry {name:?} claims {says} bytes, the backup has {has} in all")));
        }
        if self.manifest.is_some() {
            return Err(self.refused(&format!("its entry {name:?} comes after the manifest, which is the last one")));
        }
        Ok(name)
    }

    fn check_format(&self, name: &str, entry: &mut impl Read) -> Result<(), OpsError> {
        let mut text = String::new();
        let read = entry.take(FORMAT.len() as u64 + 20).read_to_string(&mut text);
        if name == FORMAT_NAME && read.is_ok() && text == FORMAT {
            return Ok(());
        }
        if name == FORMAT_NAME && text.starts_with("callboard backup ") {
            let why = format!("{} was made by a newer Callboard; restore it with that one", text.trim());
            return Err(OpsError::refused(self.from, why));
        }
        Err(self.refused(&format!("its first entry is {name:?} and not {FORMAT_NAME:?}")))
    }

    fn take(&mut self, name: &str, entry: &mut impl Read) -> Result<(), OpsError> {
        if let Some(file) = name.strip_prefix(FILES_PREFIX).and_then(FileHash::from_hex) {
            return self.take_file(file, entry);
        }
        if let Some(database) = Database::ALL.into_iter().find(|database| database.name() == name) {
            return self.take_database(database, entry);
        }
        if name != MANIFEST_NAME {
            return Err(self.refused(&format!("its entry {name:?} is none that a backup has")));
        }
        let mut text = String::new();
        let read = entry.take(MANIFEST_BYTES_MAX).read_to_string(&mut text);
        let manifest = read.ok().and_then(|_| Manifest::decode(&text));
        self.manifest = Some(manifest.ok_or_else(|| self.refused("its manifest cannot be read"))?);
        Ok(())
    }

    fn take_file(&mut self, file: FileHash, entry: &mut impl Read) -> Result<(), OpsError> {
        if self.last.is_some_and(|last| last >= file) || !self.found.is_empty() {
            return Err(self.refused(&format!("its entry \"{FILES_PREFIX}{file}\" comes twice or out of order")));
        }
        let path = self.folders.path(file);
        let folder = path.parent().unwrap_or(self.into);
        fs::create_dir_all(folder).map_err(|error| weather(folder, &error))?;
        let (bytes, hash) = self.write(&path, entry)?;
        if hash != file {
            return Err(self.refused(&format!("the bytes of \"{FILES_PREFIX}{file}\" are not those it is named after")));
        }
        self.last = Some(file);
        self.files = (self.files.0 + 1, self.files.1 + bytes);
        Ok(())
    }

    fn take_database(&mut self, database: Database, entry: &mut impl Read) -> Result<(), OpsError> {
        if self.found.last().is_some_and(|(last, ..)| *last >= database) {
            return Err(self.refused(&format!("its entry {:?} comes twice or out of order", database.name())));
        }
        let (bytes, hash) = self.write(&self.into.join(database.name()), entry)?;
        self.found.push((database, bytes, hash));
        Ok(())
    }

    /// Writes the entry to the new file `path`; returns its bytes and hash.
    fn write(&self, path: &Path, entry: &mut impl Read) -> Result<(u64, FileHash), OpsError> {
        let mut file = File::create_new(path).map_err(|error| weather(path, &error))?;
        let mut reader = Hashing::new(entry);
        let mut piece = vec![0; 1 << 16];
        let mut written = 0;
        loop {
            let read = reader.read(&mut piece).map_err(|error| self.refused(&format!("it cannot be read: {error}")))?;
            if read == 0 {
                break;
            }
            file.write_all(&piece[..read]).map_err(|error| weather(path, &error))?;
            written += read as u64;
        }
        file.sync_all().map_err(|error| weather(path, &error))?;
        Ok((written, reader.hash()))
    }

    fn end(self) -> Result<Manifest, OpsError> {
        let Some(manifest) = &self.manifest else {
            return Err(self.refused("it was cut off: its manifest is missing"));
        };
        let mut pairs = manifest.databases.iter().zip(&self.found);
        if let Some(((database, ..), _)) = pairs.find(|(named, found)| named != found) {
            return Err(self.refused(&format!("{:?} is not what its manifest says", database.name())));
        }
        let names: Vec<Database> = self.found.iter().map(|(database, ..)| *database).collect();
        let is_whole = names.contains(&Database::Journal) && names.contains(&Database::Archive);
        if !is_whole || manifest.databases.len() != names.len() {
            return Err(
                self.refused(&format!("it holds {names:?} and its manifest {} databases", manifest.databases.len()))
            );
        }
        if (manifest.files, manifest.files_bytes) != self.files {
            let (says, has) = (manifest.files, self.files.0);
            return Err(self.refused(&format!("it has {has} large contents and its manifest says {says}")));
        }
        Ok(manifest.clone())
    }
}

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Hashing<R> {
        Hashing { inner, hash: Sha256::new() }
    }

    fn hash(self) -> FileHash {
        FileHash(self.hash.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.hash.update(&into[..read]);
        Ok(read)
    }
}
