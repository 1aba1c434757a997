//! What operators and their tools ask and do, and the page.

use super::operation::{Operation, Roles, delete, get, post, reference};
use super::parameters::{ASSET, LIMIT, MACHINE, ONE_SERVICE, Parameter, SERVICE, WORKER};
use crate::agent::{Done, EmptyBody};
use crate::explain::{Classes, Services};
use crate::ops::{Health, Machines, Stats, Version, Watching, Workers};
use serde_json::json;

const WATCHERS: Roles = &["monitor", "admin"];
const ADMINS: Roles = &["admin"];
const ANY_TOKEN: Roles = &["client", "monitor", "worker", "admin"];

pub(super) fn fleet() -> Vec<Operation> {
    let machine = get("/api/machines/{id}", "getMachine", "One machine.")
        .for_roles(WATCHERS)
        .takes([MACHINE])
        .gives::<Machines>(200, "It alone.")
        .refuses(["unknown_machine"]);
    let worker = get("/api/workers/{id}", "getWorker", "One worker.")
        .for_roles(WATCHERS)
        .takes([WORKER])
        .gives::<Workers>(200, "It alone.")
        .refuses(["unknown_worker"]);
    let classes = get("/api/classes", "listClasses", "Waiting jobs by what they require, those with most first.")
        .for_roles(WATCHERS)
        .takes([ONE_SERVICE, LIMIT])
        .gives::<Classes>(200, "The classes.");
    let services = get("/api/services", "listServices", "What is offered or waited for.");
    vec![
        get("/api/machines", "listMachines", "All machines.").for_roles(WATCHERS).gives::<Machines>(200, "All."),
        machine,
        get("/api/workers", "listWorkers", "All workers.").for_roles(WATCHERS).gives::<Workers>(200, "All."),
        worker,
        services.for_roles(WATCHERS).gives::<Services>(200, "All."),
        classes,
        get("/api/stats", "getStats", "How many jobs, workers and machines.")
            .for_roles(WATCHERS)
            .gives::<Stats>(200, "The counts."),
        get("/api/connections", "listConnections", "Who is connected, and how far behind each is.")
            .for_roles(WATCHERS)
            .gives::<Watching>(200, "Monitors, clients and all sockets."),
    ]
}

pub(super) fn holding() -> Vec<Operation> {
    let hold = |path, id, summary, of: Parameter| {
        post(path, id, summary)
            .for_roles(ADMINS)
            .takes([of])
            .reads::<EmptyBody>(false)
            .gives::<Done>(200, "It is so; also if it was before.")
            .decides()
    };
    let drains = "Its workers finish what they have and get nothing new. Survives a restart.";
    let rests = "Nothing of the service is given to workers; submissions are taken in and wait.";
    vec![
        hold("/api/machines/{id}/drain", "drainMachine", "Drain a machine.", MACHINE)
            .about(drains)
            .refuses(["unknown_machine"]),
        hold("/api/machines/{id}/undrain", "undrainMachine", "Let a machine take jobs again.", MACHINE)
            .refuses(["unknown_machine"]),
        hold("/api/workers/{id}/drain", "drainWorker", "Drain a worker.", WORKER)
            .about("It finishes what it has and gets nothing new. Survives a restart.")
            .refuses(["unknown_worker"]),
        hold("/api/workers/{id}/undrain", "undrainWorker", "Let a worker take jobs again.", WORKER)
            .refuses(["unknown_worker"]),
        hold("/api/services/{name}/pause", "pauseService", "Pause a service.", SERVICE).about(rests),
        hold("/api/services/{name}/resume", "resumeService", "Resume a service.", SERVICE),
    ]
}

pub(super) fn access() -> Vec<Operation> {
    let sign_in = post("/api/session", "signIn", "Sign in, for browsers: a token becomes a cookie.")
        .about("The cookie `callboard_session` is for this site alone, unseen by scripts, and ends after 12 h or with its token.")
        .reads_named("SignIn", true)
        .gives_nothing(204, "Signed in; the cookie is set.")
        .refuses(["unauthorized", "rate_limited"]);
    let sign_out =
        delete("/api/session", "signOut", "Sign out.").for_roles(ANY_TOKEN).gives_nothing(204, "The session is over.");
    let ticket = post("/api/tickets", "issueTicket", "A ticket to open one socket or stream from another site.")
        .about("Good once and for 30 s, as `?ticket=` in the address.")
        .for_roles(ANY_TOKEN)
        .reads::<EmptyBody>(false)
        .gives_content(201, "The ticket.", "application/json", reference("Ticket"));
    vec![sign_in, sign_out, ticket]
}

pub(super) fn health() -> Vec<Operation> {
    let text = || json!({ "type": "string" });
    vec![
        get("/health", "getHealth", "How the broker is.")
            .for_roles(WATCHERS)
            .gives::<Health>(200, "`ok`, or `degraded` while the store is away or full."),
        get("/health/live", "isLive", "Whether the process answers.").gives_content(200, "It does.", TEXT, text()),
        get("/health/ready", "isReady", "Whether submissions are taken.")
            .gives_content(200, "They are.", TEXT, text())
            .gives_content(503, "The store is away.", TEXT, text()),
        get("/version", "getVersion", "Which version this is.").gives::<Version>(200, "This one."),
        get("/metrics", "getMetrics", "Figures for Prometheus.").for_roles(WATCHERS).gives_content(
            200,
            "In the text format of OpenMetrics.",
            "application/openmetrics-text",
            text(),
        ),
    ]
}

const TEXT: &str = "text/plain";
const HTML: &str = "text/html";

pub(super) fn page() -> Vec<Operation> {
    let text = || json!({ "type": "string" });
    vec![
        get("/", "getPage", "The page: who works on what, right now.").gives_content(200, "HTML.", HTML, text()),
        get("/docs", "getReference", "This reference, to read.").gives_content(200, "HTML.", HTML, text()),
        get("/api/openapi.json", "getOpenApi", "This reference, as OpenAPI 3.1.").gives_content(
            200,
            "The document; compressed if `Accept-Encoding` has gzip.",
            "application/json",
            json!({ "type": "object" }),
        ),
        get("/icon.svg", "getIcon", "The page's icon.")
            .gives_content(200, "SVG.", "image/svg+xml", text())
            .refuses(["not_found"]),
        get("/assets/{path}", "getAsset", "A file of the page; its name changes with its content.")
            .takes([ASSET])
            .gives_content(200, "The file.", "*/*", json!({}))
            .refuses(["not_found"]),
    ]
}
