//! One row of the table: an operation, as it is said and as the document tells it.

use super::codes;
use super::parameters::{AFTER, Parameter};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// The schemas that something names, by name.
pub(super) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The roles that may. None: everyone, also without a token.
pub(super) type Roles = &'static [&'static str];

/// One method on one path.
#[derive(Debug)]
pub struct Operation {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// With `{names}` for what is left open.
    pub path: &'static str,
    pub(super) id: &'static str,
    summary: &'static str,
    about: &'static str,
    tag: &'static str,
    roles: Roles,
    takes: Vec<Parameter>,
    reads: Option<Reads>,
    gives: Vec<Gives>,
    refuses: BTreeSet<&'static str>,
    shapes: Vec<fn(&mut Schemas)>,
}

#[derive(Debug)]
struct Reads {
    schema: String,
    is_required: bool,
}

#[derive(Debug)]
struct Gives {
    status: u16,
    about: &'static str,
    content: Option<(&'static str, Value)>,
    headers: &'static [&'static str],
}

const STREAM: &str = "text/event-stream";
/// What is refused wherever something is decided.
const DECIDING: [&str; 3] = ["inbox_full", "store_unavailable", "shutting_down"];
/// What is refused wherever there is a body.
const READING: [&str; 6] = ["bad_json", "bad_field", "unknown_field", "bad_body", "timeout", "payload_too_large"];

pub(super) fn get(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("GET", path, id, summary)
}

pub(super) fn post(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("POST", path, id, summary)
}

pub(super) fn put(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("PUT", path, id, summary)
}

pub(super) fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new("DELETE", path, id, summary)
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn add<T: ToSchema>(all: &mut Schemas) {
    let mut named = Vec::new();
    T::schemas(&mut named);
    all.extend(named);
    all.insert(T::name().into_owned(), T::schema());
}

fn by_status(codes: &BTreeSet<&'static str>) -> BTreeMap<u16, Vec<&'static str>> {
    let mut by_status = BTreeMap::<u16, Vec<&str>>::new();
    for code in codes {
        let (status, _) = codes::about(code).unwrap_or_default();
        by_status.entry(status).or_default().push(code);
    }
    by_status
}

/// The answer that says no for one of these reasons.
fn refusal(status: u16, codes: &[&str]) -> Value {
    let sentence = |code: &&str| codes::about(code).map(|(_, why)| format!("`{code}`: {why}."));
    let sentences: Vec<_> = codes.iter().filter_map(sentence).collect();
    let content = json!({ "application/problem+json": { "schema": reference("Problem") } });
    let mut response = json!({ "description": sentences.join("\n"), "content": content });
    if [429, 503, 507].contains(&status) {
        response["headers"]["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
    }
    response
}

impl Operation {
    fn new(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Operation {
        Operation {
            method,
            path,
            id,
            summary,
            about: "",
            tag: "",
            roles: &[],
            takes: Vec::new(),
            reads: None,
            gives: Vec::new(),
            refuses: BTreeSet::from(["forbidden", "internal", "too_many_connections"]),
            shapes: Vec::new(),
        }
    }

    pub(super) fn about(self, about: &'static str) -> Operation {
        Operation { about, ..self }
    }

    pub(super) fn tagged(self, tag: &'static str) -> Operation {
        Operation { tag, ..self }
    }

    pub(super) fn for_roles(self, roles: Roles) -> Operation {
        Operation { roles, ..self }.refuses(["unauthorized", "rate_limited"])
    }

    pub(super) fn takes(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Operation {
        self.takes.extend(parameters);
        self.refuses(["bad_field"])
    }

    /// A body of a derived shape; without required fields it may be left out.
    pub(super) fn reads<T: ToSchema>(mut self, is_required: bool) -> Operation {
        self.shapes.push(add::<T>);
        self.reads_named(&T::name(), is_required)
    }

    /// A body of a shape that is written by hand.
    pub(super) fn reads_named(mut self, schema: &str, is_required: bool) -> Operation {
        self.reads = Some(Reads { schema: schema.to_owned(), is_required });
        self.refuses(READING)
    }

    pub(super) fn gives<T: ToSchema>(mut self, status: u16, about: &'static str) -> Operation {
        self.shapes.push(add::<T>);
        self.gives_content(status, about, "application/json", reference(&T::name()))
    }

    /// Server-sent events whose `data` are messages of this shape.
    pub(super) fn streams<T: ToSchema>(mut self, about: &'static str) -> Operation {
        self.shapes.push(add::<T>);
        self.gives_content(200, about, STREAM, reference(&T::name()))
    }

    pub(super) fn gives_content(
        mut self,
        status: u16,
        about: &'static str,
        kind: &'static str,
        schema: Value,
    ) -> Operation {
        self.gives.push(Gives { status, about, content: Some((kind, schema)), headers: &[] });
        self
    }

    pub(super) fn gives_nothing(mut self, status: u16, about: &'static str) -> Operation {
        self.gives.push(Gives { status, about, content: None, headers: &[] });
        self
    }

    /// A shape that a schema of this operation names.
    pub(super) fn also<T: ToSchema>(mut self) -> Operation {
        self.shapes.push(add::<T>);
        self
    }

    /// Headers of the answer that was named last.
    pub(super) fn with_headers(mut self, headers: &'static [&'static str]) -> Operation {
        if let Some(last) = self.gives.last_mut() {
            last.headers = headers;
        }
        self
    }

    pub(super) fn refuses(mut self, codes: impl IntoIterator<Item = &'static str>) -> Operation {
        self.refuses.extend(codes);
        self
    }

    /// Something is decided, and durable before it is answered.
    pub(super) fn decides(self) -> Operation {
        self.refuses(DECIDING)
    }

    /// A `GET` of JSON can wait until it has seen an event.
    fn reads_your_writes(&self) -> bool {
        let is_json = |given: &Gives| given.content.as_ref().is_some_and(|(kind, _)| *kind == "application/json");
        self.method == "GET" && !self.roles.is_empty() && self.gives.iter().any(is_json)
    }

    pub(super) fn add_schemas(&self, all: &mut Schemas) {
        self.shapes.iter().for_each(|add| add(all));
    }

    #[cfg(test)]
    pub(super) fn codes(&self) -> impl Iterator<Item = &'static str> {
        self.refuses.iter().copied()
    }

    fn all_refuses(&self) -> BTreeSet<&'static str> {
        let waiting = ["bad_field", "store_unavailable"].into_iter().filter(|_| self.reads_your_writes());
        self.refuses.iter().copied().chain(waiting).collect()
    }

    /// Its refusals, by the name under which all operations share them.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (String, Value)> {
        by_status(&self.all_refuses()).into_iter().map(|(status, codes)| (codes.join("."), refusal(status, &codes)))
    }

    pub(super) fn render(&self) -> Value {
        let mut parameters: Vec<Value> = self.takes.iter().map(Parameter::render).collect();
        if self.reads_your_writes() {
            parameters.push(AFTER.render());
        }
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [self.tag],
            "responses": self.responses(&self.all_refuses()),
            "x-roles": self.roles,
        });
        if !self.about.is_empty() {
            operation["description"] = self.about.into();
        }
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(Reads { schema, is_required }) = &self.reads {
            let content = json!({ "application/json": { "schema": reference(schema) } });
            operation["requestBody"] = json!({ "required": is_required, "content": content });
        }
        if self.roles.is_empty() {
            operation["security"] = json!([]);
        } else if self.gives.iter().any(|given| matches!(given.content, Some((STREAM, _)))) {
            operation["security"] = json!([{ "bearer": [] }, { "session": [] }, { "token": [] }, { "ticket": [] }]);
        }
        operation
    }

    fn responses(&self, refuses: &BTreeSet<&'static str>) -> Value {
        let mut responses = Map::new();
        for Gives { status, about, content, headers } in &self.gives {
            let mut response = json!({ "description": about });
            if let Some((kind, schema)) = content {
                response["content"] = json!({ *kind: { "schema": schema } });
            }
            for header in *headers {
                response["headers"][header] = json!({ "$ref": format!("#/components/headers/{header}") });
            }
            responses.insert(status.to_string(), response);
        }
        for (status, codes) in by_status(refuses) {
            let response = match responses.remove(&status.to_string()) {
                // The door also gives an answer of its own with this status.
                Some(mut given) => {
                    let refused = refusal(status, &codes);
                    given["content"]["application/problem+json"] =
                        refused["content"]["application/problem+json"].clone();
                    given
                }
                None => json!({ "$ref": format!("#/components/responses/{}", codes.join(".")) }),
            };
            responses.insert(status.to_string(), response);
        }
        Value::Object(responses)
    }
}
