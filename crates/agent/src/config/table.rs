//! The file as it is written, each value with its place, nothing checked yet but its kind.

use super::ConfigError;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub machine: MachineTable,
    pub workers: Vec<Spanned<WorkerTable>>,
    pub services: BTreeMap<String, Spanned<ServiceTable>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MachineTable {
    pub id: Option<Spanned<String>>,
    pub labels: Option<Spanned<BTreeMap<String, String>>>,
    pub drain_s: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WorkerTable {
    pub id: Option<Spanned<String>>,
    pub count: Option<Spanned<u32>>,
    pub slots: Option<Spanned<u32>>,
    pub services: Option<Spanned<Vec<Spanned<String>>>>,
    pub capabilities: CapabilitiesTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CapabilitiesTable {
    pub hardware: HardwareTable,
    pub models: BTreeMap<String, Vec<String>>,
    pub loaded_models: Vec<String>,
    pub customer_access: Option<Spanned<AccessTable>>,
    pub region: Option<String>,
    pub tags: Vec<String>,
    pub custom: Option<Spanned<toml::Table>>,
    pub workflow_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AccessTable {
    pub isolation: Option<Spanned<String>>,
    pub allowed_customers: Vec<String>,
    pub denied_customers: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HardwareTable {
    pub gpu_count: u32,
    pub gpu_memory_gb: Option<Spanned<f64>>,
    pub gpu_model: Option<String>,
    pub cpu_cores: u32,
    pub ram_gb: Option<Spanned<f64>>,
}

/// The fields of all engines: which belong together is checked later, so that each mistake can
/// be told with its line.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServiceTable {
    pub engine: Option<Spanned<String>>,
    pub program: Option<Spanned<String>>,
    pub args: Option<Spanned<Vec<Spanned<String>>>>,
    pub job_args: Option<Spanned<bool>>,
    pub directory: Option<Spanned<String>>,
    pub env: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    pub timeout_s: Option<Spanned<u64>>,
    pub grace_s: Option<Spanned<u64>>,
    pub output_bytes_max: Option<Spanned<usize>>,
    pub steps: Option<Spanned<u32>>,
    pub duration_ms: Option<Spanned<u64>>,
    pub failure_rate: Option<Spanned<f64>>,
}

pub(super) fn parse(text: &str, name: &str) -> Result<File, ConfigError> {
    let mistake = |field: String, error: &toml::de::Error| ConfigError {
        file: name.to_owned(),
        line: error.span().map(|span| line_of(text, span.start)),
        field,
        why: plain(error.message()),
    };
    let document = toml::Deserializer::parse(text).map_err(|error| mistake(String::new(), &error))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let field = readable(&error.path().to_string());
        mistake(field, &error.into_inner())
    })
}

/// From 1.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    let before = &text.as_bytes()[..byte.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// A path without what `Spanned` puts into it. `.` is the whole file.
fn readable(path: &str) -> String {
    let parts = path.split('.').filter(|part| !part.is_empty() && !part.starts_with("$__"));
    parts.collect::<Vec<_>>().join(".")
}

/// Rust's names of kinds in words of the file.
fn plain(message: &str) -> String {
    let mut text = message.trim().replace('\n', ", ");
    for (kind, words) in [
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number from 0"),
        ("expected usize", "expected a whole number from 0"),
        ("expected f64", "expected a number"),
        ("expected a map", "expected a table"),
        ("expected a sequence", "expected a list [ … ]"),
    ] {
        text = text.replace(kind, words);
    }
    if let Some(rest) = text.strip_prefix("expected struct ") {
        text = format!("expected a table, not a value of another kind ({rest})");
    }
    text
}
