//! A link in a document leads somewhere: to a file of the tree, and to a heading in it.

use super::house::House;

pub(super) fn check(house: &House) -> Vec<String> {
    let is_document = |path: &str| path.ends_with(".md") && (path.starts_with("docs/") || !path.contains('/'));
    let documents = house.texts.iter().filter(|(path, _)| is_document(path));
    documents.flat_map(|(path, text)| check_document(house, path, text)).collect()
}

fn check_document(house: &House, path: &str, text: &str) -> Vec<String> {
    let mut objections = Vec::new();
    for (line, target) in links(text) {
        if let Some(why) = objection(house, path, target) {
            objections.push(format!("{path}:{line}: the link to `{target}` leads nowhere: {why}"));
        }
    }
    objections
}

fn objection(house: &House, from: &str, target: &str) -> Option<String> {
    let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
    if is_elsewhere {
        return None;
    }
    let (file, heading) = target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
    let Some(path) = resolve(from, file) else { return Some("it is outside of the repository".to_owned()) };
    if !house.has(&path) {
        return Some(format!("there is no {path}"));
    }
    let document = house.texts.get(&path).filter(|_| path.ends_with(".md"))?;
    let heading = heading?;
    let has_heading = headings(document).any(|known| slug(known) == heading);
    (!has_heading).then(|| format!("{path} has no such heading"))
}

/// The path that `target` means in the document `from`; `None` if it leaves the tree.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

/// Lines outside of fenced blocks, from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        (!is_fenced && !is_fence).then_some((at + 1, line))
    })
}

/// `[text](target)` and `[name]: target`, with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(at, line)| {
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
        inline.chain(reference).map(move |target| (at, target))
    })
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    let heading = |line: &'_ str| line.starts_with('#').then_some(());
    prose(text).filter_map(move |(_, line)| heading(line).map(|()| line.trim_start_matches('#').trim()))
}

/// A heading's anchor as code hosts make it.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objections(readme: &str) -> Vec<String> {
        check(&House::with([
            ("README.md", readme),
            ("docs/api.md", "# The doors\n\n## `GET /x`, and more\n\n[up](../README.md)\n"),
        ]))
    }

    #[test]
    fn a_link_to_what_is_not_there_is_seen() {
        let found = objections("text\n[a](docs/api.md), ![b](docs/page.png) and [c](docs).\n\n[d]: nowhere.md\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("README.md:2: the link to `docs/page.png` leads nowhere"), "{found:?}");
        assert!(found[1].starts_with("README.md:4: the link to `nowhere.md`"), "{found:?}");
    }

    #[test]
    fn a_link_to_a_missing_heading_is_seen() {
        assert!(objections("[a](docs/api.md#the-doors) [b](docs/api.md#get-x-and-more)").is_empty());
        assert_eq!(objections("[a](docs/api.md#the-windows)").len(), 1);
        assert_eq!(objections("[a](#here)\n").len(), 1);
        assert!(objections("# Here\n[a](#here)\n").is_empty());
    }

    #[test]
    fn a_link_out_of_the_tree_is_seen() {
        assert_eq!(objections("[a](../elsewhere.md)").len(), 1);
    }

    #[test]
    fn other_hosts_and_code_are_left_alone() {
        assert!(objections("[a](https://example.org/x)\n```\n[b](nowhere.md)\n```\n").is_empty());
    }
}
