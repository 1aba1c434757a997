//! The page's types are made from `wire`: its shapes as JSON Schema, and TypeScript from that.

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use utoipa::ToSchema;
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, Schema};

const SCHEMA: &str = "src/wire/schema.json";
const TYPES: &str = "src/wire/types.ts";

/// Writes `ui/src/wire/schema.json` and `ui/src/wire/types.ts`; with `check`, only compares. The
/// second needs the page's `node_modules`; a check without them is content with the first.
///
/// # Errors
/// A file cannot be written, `openapi-typescript` fails, or a committed file is stale.
pub(crate) fn run(check: bool) -> Result<()> {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("ui");
    let schema = format!("{}\n", schema()?);
    if check {
        compare(&ui.join(SCHEMA), &schema)?;
        if !has_node_modules(&ui) {
            return Ok(());
        }
        let fresh = env::temp_dir().join(format!("callboard-types-{}.ts", std::process::id()));
        let made = make_types(&ui, &fresh).and_then(|()| Ok(fs::read_to_string(&fresh)?));
        let _ = fs::remove_file(&fresh);
        return compare(&ui.join(TYPES), &made?);
    }
    fs::create_dir_all(ui.join("src/wire"))?;
    fs::write(ui.join(SCHEMA), schema).context("ui/src/wire/schema.json cannot be written")?;
    ensure!(has_node_modules(&ui), "ui/node_modules is absent: run `npm ci` in ui, then this again");
    make_types(&ui, &ui.join(TYPES))
}

/// What the page reads and is answered, and all that these name. Paths come with the reference.
fn schema() -> Result<String> {
    let mut all = BTreeMap::new();
    add::<wire::monitor::MonitorMessage<'_>>(&mut all);
    add::<wire::client::ClientMessage<'_>>(&mut all);
    add::<wire::jobs::Submitted>(&mut all);
    add::<wire::jobs::SubmittedAll>(&mut all);
    add::<wire::jobs::Cancelled>(&mut all);
    add::<wire::jobs::OneJob>(&mut all);
    add::<wire::jobs::JobList>(&mut all);
    add::<wire::explain::Explained>(&mut all);
    add::<wire::explain::Classes>(&mut all);
    add::<wire::explain::Services>(&mut all);
    add::<wire::ops::Stats>(&mut all);
    add::<wire::ops::Machines>(&mut all);
    add::<wire::ops::Workers>(&mut all);
    add::<wire::ops::Health>(&mut all);
    add::<wire::ops::Version>(&mut all);
    add::<wire::Problem>(&mut all);
    let mut components = Components::new();
    components.schemas = all.into_iter().collect();
    let info = InfoBuilder::new().title("Callboard").version("1").build();
    let document: OpenApi = OpenApiBuilder::new().info(info).components(Some(components)).build();
    document.to_pretty_json().context("the schema cannot be written as JSON")
}

fn add<T: ToSchema>(all: &mut BTreeMap<String, RefOr<Schema>>) {
    let mut named = Vec::new();
    T::schemas(&mut named);
    all.extend(named);
    all.insert(T::name().into_owned(), T::schema());
}

fn has_node_modules(ui: &Path) -> bool {
    ui.join("node_modules/openapi-typescript").is_dir()
}

fn make_types(ui: &Path, into: &PathBuf) -> Result<()> {
    let made = Command::new("npx")
        .args(["--no-install", "openapi-typescript", SCHEMA, "--immutable", "--root-types"])
        .args(["--root-types-no-schema-prefix", "--output"])
        .arg(into)
        .current_dir(ui)
        .output()
        .context("npx cannot be run: Node 20 or newer is needed")?;
    if !made.status.success() {
        bail!("openapi-typescript failed: {}", String::from_utf8_lossy(&made.stderr).trim());
    }
    Ok(())
}

fn compare(committed: &Path, fresh: &str) -> Result<()> {
    let name = committed.file_name().unwrap_or_default().to_string_lossy();
    let is_fresh = fs::read_to_string(committed).is_ok_and(|committed| committed == fresh);
    ensure!(
        is_fresh,
        "ui/src/wire/{name} does not match crates/wire: run `cargo xtask codegen` and commit what it writes"
    );
    Ok(())
}
