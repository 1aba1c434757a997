//! The reference and the page's types are made from `wire`: its doors and shapes as OpenAPI, and
//! TypeScript from that.

use crate::places;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::process::Command;
use std::{env, fs};

/// From the repository.
const DOCUMENT: &str = "crates/wire/golden/openapi.json";
/// For the page, and the same for programs that use the package.
const TYPES: [&str; 2] = ["ui/src/wire/types.ts", "sdk/typescript/src/wire.ts"];

/// Writes the document and the types; with `check`, only compares. The types need the page's
/// `node_modules`; a check without them is content with the document.
///
/// # Errors
/// A file cannot be written, `openapi-typescript` fails, or a committed file is stale.
pub(crate) fn run(check: bool) -> Result<()> {
    let document = wire::openapi::pretty();
    if check {
        compare(DOCUMENT, &document)?;
        if !has_node_modules() {
            return Ok(());
        }
        let types = types(&document)?;
        return TYPES.iter().try_for_each(|name| compare(name, &types));
    }
    let write =
        |name, text| fs::write(places::root().join(name), text).with_context(|| format!("{name} cannot be written"));
    write(DOCUMENT, &document)?;
    ensure!(has_node_modules(), "ui/node_modules is absent: run `npm ci` in ui, then this again");
    let types = types(&document)?;
    TYPES.iter().try_for_each(|name| write(name, &types))
}

fn has_node_modules() -> bool {
    places::ui().join("node_modules/openapi-typescript").is_dir()
}

/// The document's shapes as TypeScript: the page knows the doors it knocks at.
fn types(document: &str) -> Result<String> {
    let mut shapes: Value = serde_json::from_str(document).context("the document is no JSON")?;
    for (part, rest) in [("paths", json!({})), ("components", json!({ "schemas": shapes["components"]["schemas"] }))] {
        shapes[part] = rest;
    }
    let input = env::temp_dir().join(format!("callboard-shapes-{}.json", std::process::id()));
    fs::write(&input, shapes.to_string()).with_context(|| format!("{} cannot be written", input.display()))?;
    let made = Command::new("npx")
        .args(["--no-install", "openapi-typescript"])
        .arg(&input)
        .args(["--immutable", "--root-types", "--root-types-no-schema-prefix"])
        .current_dir(places::ui())
        .output()
        .context("npx cannot be run: Node 20 or newer is needed");
    let _ = fs::remove_file(&input);
    let made = made?;
    ensure!(made.status.success(), "openapi-typescript failed: {}", String::from_utf8_lossy(&made.stderr).trim());
    String::from_utf8(made.stdout).context("openapi-typescript wrote no text")
}

fn compare(committed: &str, fresh: &str) -> Result<()> {
    let is_fresh = fs::read_to_string(places::root().join(committed)).is_ok_and(|committed| committed == fresh);
    ensure!(is_fresh, "{committed} does not match crates/wire: run `cargo xtask codegen` and commit what it writes");
    Ok(())
}
