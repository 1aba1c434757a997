//! What a worker says of itself when it registers.
//!
//! ```text
//! worker w1 of m1 registers for hash,render slots 2 with gpu 24 gpus 1 gpu-model A100 ram 64 cpus 8
//! … models hash:sdxl,flux+render:x tags a,b strict region eu custom a.b=3,c=x|y
//! … allowing acme,beta denying evil bound f1 loaded sdxl resuming j1
//! ```

use crate::naming::{customer, service, workflow};
use crate::stage::Read;
use crate::words::Words;
use fleet::{Capabilities, CustomerAccess, CustomerId, Hardware, Isolation, Number, Scalar, Value};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn capabilities(words: &mut Words) -> Read<Capabilities> {
    words.says("with");
    let services = words.list_after("for")?.unwrap_or_default();
    let isolation = match (words.says("strict"), words.says("loose")) {
        (true, _) => Isolation::Strict,
        (false, true) => Isolation::Loose,
        (false, false) => Isolation::None,
    };
    Ok(Capabilities {
        services: services.iter().map(|name| service(name)).collect::<Read<_>>()?,
        hardware: Hardware {
            gpu_count: words.number_after("gpus")?.unwrap_or_default(),
            gpu_memory_gb: amount(words, "gpu")?,
            gpu_model: words.after("gpu-model")?,
            cpu_cores: words.number_after("cpus")?.unwrap_or_default(),
            ram_gb: amount(words, "ram")?,
        },
        models: words.after("models")?.map(|text| models(&text)).transpose()?.unwrap_or_default(),
        access: CustomerAccess {
            isolation,
            allowed: customers(words, "allowing")?,
            denied: customers(words, "denying")?,
        },
        region: words.after("region")?,
        tags: words.list_after("tags")?.unwrap_or_default().into_iter().collect(),
        custom: words.list_after("custom")?.unwrap_or_default().iter().map(|one| custom(one)).collect::<Read<_>>()?,
        workflow: words.after("bound")?.map(|name| workflow(&name)).transpose()?,
    })
}

fn amount(words: &mut Words, word: &str) -> Read<Number> {
    Ok(words.after(word)?.map(|text| number(&text)).transpose()?.unwrap_or_default())
}

fn customers(words: &mut Words, word: &str) -> Read<BTreeSet<CustomerId>> {
    words.list_after(word)?.unwrap_or_default().iter().map(|name| customer(name)).collect()
}

/// `hash:sdxl,flux+render:x`
fn models(text: &str) -> Read<BTreeMap<String, BTreeSet<String>>> {
    let of_service = |text: &str| {
        let (service, models) = text.split_once(':').ok_or("models are called `hash:sdxl,flux`")?;
        Ok((service.to_owned(), text_set(models)))
    };
    text.split('+').map(of_service).collect()
}

/// `a.b=3`, `c=x|y` for a list
fn custom(text: &str) -> Read<(String, Value)> {
    let (path, value) = text.split_once('=').ok_or("a custom capability is called `a.b=3`")?;
    let value = match value.contains('|') {
        true => Value::List(value.split('|').filter(|one| !one.is_empty()).map(scalar).collect()),
        false => Value::One(scalar(value)),
    };
    Ok((path.to_owned(), value))
}

pub(crate) fn scalar(text: &str) -> Scalar {
    match (text.parse(), text.parse().ok().and_then(Number::new)) {
        (Ok(truth), _) => Scalar::Bool(truth),
        (Err(_), Some(number)) => Scalar::Number(number),
        (Err(_), None) => Scalar::Text(text.to_owned()),
    }
}

pub(crate) fn number(text: &str) -> Read<Number> {
    text.parse().ok().and_then(Number::new).ok_or_else(|| format!("no number: `{text}`"))
}

pub(crate) fn text_set(text: &str) -> BTreeSet<String> {
    text.split(',').map(str::to_owned).collect()
}
