//! Who may go through which door: one table, read by the entrance for every request before its
//! door. What is not in it is not there, whatever the router knows.

use super::{Caller, Roles};

/// Who may go through a door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    Anyone,
    /// Whoever shows a token, whatever its roles.
    SignedIn,
    /// Whoever has one of these roles.
    Has(Roles),
    /// The same, but for tokens bound to a customer: what is told there is of everyone's jobs.
    SeesAll(Roles),
}

impl Who {
    /// Only who operates the broker may.
    pub(crate) fn is_administrative(self) -> bool {
        matches!(self, Who::Has(roles) if roles == Roles::ADMIN)
    }

    /// # Errors
    /// Says what would be needed.
    pub(crate) fn check(self, caller: &Caller) -> Result<(), String> {
        match self {
            Who::Anyone | Who::SignedIn => Ok(()),
            Who::Has(roles) | Who::SeesAll(roles) if !caller.0.roles.has_any(roles) => {
                let needed = roles.words().collect::<Vec<_>>().join(" or ");
                Err(format!("this needs a token with the role {needed}; {} has {}", caller.0.principal, caller.0.roles))
            }
            Who::SeesAll(_) if caller.0.customer.is_some() && !caller.is_admin() => {
                let bound = caller.0.customer.as_ref().map_or("", |customer| customer.as_str());
                Err(format!("this tells of all customers' jobs, and {} is bound to {bound}", caller.0.principal))
            }
            Who::Has(_) | Who::SeesAll(_) => Ok(()),
        }
    }
}

/// One door.
pub(crate) struct Entry {
    pub(crate) method: &'static str,
    /// `{…}` is one part, `{*…}` the rest.
    pub(crate) path: &'static str,
    pub(crate) who: Who,
    /// A stream or a socket: a browser cannot send headers there, so a token may stand in its address.
    pub(crate) is_stream: bool,
}

const fn door(method: &'static str, path: &'static str, who: Who) -> Entry {
    Entry { method, path, who, is_stream: false }
}

const fn stream(path: &'static str, who: Who) -> Entry {
    Entry { method: "GET", path, who, is_stream: true }
}

const SUBMITS: Who = Who::Has(Roles::CLIENT.and(Roles::ADMIN));
const READS: Who = Who::Has(Roles::CLIENT.and(Roles::MONITOR).and(Roles::ADMIN));
const LOOKS: Who = Who::SeesAll(Roles::MONITOR.and(Roles::ADMIN));
const WORKS: Who = Who::Has(Roles::WORKER.and(Roles::ADMIN));
const OPERATES: Who = Who::Has(Roles::ADMIN);

/// A socket at `/`: programs of before connect there.
const LEGACY: Entry = stream("/", SUBMITS);

/// The doors that are knocked at most stand first. A job that one may not see is its door's matter.
const TABLE: &[Entry] = &[
    door("POST", "/api/jobs", SUBMITS),
    door("POST", "/api/workers/{id}/next", WORKS),
    door("POST", "/api/leases/{lease}/finish", WORKS),
    door("POST", "/api/leases/{lease}/progress", WORKS),
    door("POST", "/api/leases/{lease}/start", WORKS),
    door("POST", "/api/leases/{lease}/renew", WORKS),
    door("POST", "/api/leases/{lease}/fail", WORKS),
    door("POST", "/api/leases/{lease}/release", WORKS),
    door("POST", "/api/machines/{id}/heartbeat", WORKS),
    door("POST", "/api/machines/{id}/orders", WORKS),
    door("GET", "/api/jobs/{id}", READS),
    door("GET", "/api/jobs", READS),
    door("POST", "/api/jobs:batch", SUBMITS),
    door("POST", "/api/jobs/{id}/cancel", SUBMITS),
    door("POST", "/api/jobs/{id}/retry", SUBMITS),
    door("GET", "/api/jobs/{id}/explain", READS),
    stream("/api/jobs/{id}/events", READS),
    stream("/api/jobs/{id}/progress", READS),
    stream("/api/events/monitor", LOOKS),
    stream("/api/events/client", SUBMITS),
    stream("/ws/monitor/{id}", LOOKS),
    stream("/ws/client/{id}", SUBMITS),
    stream("/ws", SUBMITS),
    stream("/ws/{*path}", SUBMITS),
    door("PUT", "/api/machines/{id}", WORKS),
    door("DELETE", "/api/machines/{id}", WORKS),
    door("PUT", "/api/workers/{id}", WORKS),
    door("DELETE", "/api/workers/{id}", WORKS),
    door("GET", "/api/machines", LOOKS),
    door("GET", "/api/machines/{id}", LOOKS),
    door("GET", "/api/workers", LOOKS),
    door("GET", "/api/workers/{id}", LOOKS),
    door("GET", "/api/services", LOOKS),
    door("GET", "/api/classes", LOOKS),
    door("GET", "/api/stats", LOOKS),
    door("GET", "/api/connections", LOOKS),
    door("GET", "/metrics", LOOKS),
    door("POST", "/api/machines/{id}/drain", OPERATES),
    door("POST", "/api/machines/{id}/undrain", OPERATES),
    door("POST", "/api/workers/{id}/drain", OPERATES),
    door("POST", "/api/workers/{id}/undrain", OPERATES),
    door("POST", "/api/services/{name}/pause", OPERATES),
    door("POST", "/api/services/{name}/resume", OPERATES),
    door("POST", "/api/tickets", Who::SignedIn),
    door("POST", "/api/session", Who::Anyone),
    door("DELETE", "/api/session", Who::SignedIn),
    // Its details are for monitors; the door sees to it.
    door("GET", "/health", Who::Anyone),
    door("GET", "/health/live", Who::Anyone),
    door("GET", "/health/ready", Who::Anyone),
    door("GET", "/version", Who::Anyone),
    door("GET", "/", Who::Anyone),
    door("GET", "/icon.svg", Who::Anyone),
    door("GET", "/assets/{*path}", Who::Anyone),
    door("GET", "/docs", Who::Anyone),
    door("GET", "/docs/{*path}", Who::Anyone),
    door("GET", "/api/openapi.json", Who::Anyone),
];

/// The door of a request. `is_upgrade`: it asks for a WebSocket.
pub(crate) fn entry_of(method: &str, path: &str, is_upgrade: bool) -> Option<&'static Entry> {
    // A HEAD is a GET whose answer is not sent.
    let method = if method == "HEAD" { "GET" } else { method };
    if is_upgrade && method == "GET" && path == LEGACY.path {
        return Some(&LEGACY);
    }
    TABLE.iter().find(|entry| entry.method == method && leads_to(entry.path, path))
}

/// The methods that the path takes.
pub(crate) fn methods_of(path: &str) -> Vec<&'static str> {
    TABLE.iter().filter(|entry| leads_to(entry.path, path)).map(|entry| entry.method).collect()
}

/// Not narrower than the router: what it does not know of this is answered by it.
fn leads_to(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(rest), Some(_)) if rest.starts_with("{*") => return true,
            (Some(open), Some(_)) if open.starts_with('{') => {}
            (Some(fixed), Some(part)) if fixed == part => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_door_and_to_no_other() {
        let of = |method, path| entry_of(method, path, false).map(|entry| entry.path);
        assert_eq!(of("GET", "/api/jobs/a%2Fb"), Some("/api/jobs/{id}"));
        assert_eq!(of("HEAD", "/"), Some("/"));
        assert_eq!(of("GET", "/ws/anything/at/all"), Some("/ws/{*path}"));
        assert_eq!(of("GET", "/ws/monitor/m"), Some("/ws/monitor/{id}"));
        for nowhere in ["/api//jobs", "//", "", "/assets", "/API/jobs", "/api/%6Aobs", "/api/jobs/a/b"] {
            assert_eq!(of("GET", nowhere), None, "{nowhere}");
        }
        assert_eq!(of("DELETE", "/api/jobs"), None);
        assert_eq!((methods_of("/api/jobs").len(), methods_of("/api/job").len()), (2, 0));
        assert!(entry_of("GET", "/", true).unwrap().is_stream);
    }
}
