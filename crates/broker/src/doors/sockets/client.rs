//! `/ws/client/{id}`, and the older door beside it: what a client's jobs do, and what it asks.

use super::super::Doors;
use super::super::body::{Params, Segment};
use super::super::client_events::{GREETING, check_visible, parse_client_id};
use super::super::client_stream::ClientStream;
use super::super::jobs::{mint_job_id, not_found};
use super::super::problem::Refused;
use super::asked::{self, TakenIn};
use super::monitor::problem_of;
use super::{Speaker, open};
use crate::access::{Caller, Peer};
use crate::connections::{Kind, Transport, Watcher, Watches};
use crate::desk::{Decided, NotDecided};
use crate::feed::{Framing, Of};
use crate::limits;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use fleet::{Answer, ClientKey, Command, JobId};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use serde::Deserialize;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use wire::client::ClientBody;
use wire::jobs::Submission;
use wire::requests::{self, ClientAsks, Followed, Speech};
use wire::{Json, Problem};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in super::super) struct SocketParams {
    since: Option<String>,
}

pub(in super::super) async fn client(
    State(doors): State<Doors>,
    caller: Caller,
    peer: Peer,
    Segment(id): Segment,
    Params(params): Params<SocketParams>,
    request: Request,
) -> Response {
    let begin = begin(doors.clone(), (caller.clone(), peer), id, Speech::Client, params.since);
    open((doors, caller), request, begin)
}

/// Any other path: the server names the client.
pub(in super::super) async fn legacy(
    State(doors): State<Doors>,
    caller: Caller,
    peer: Peer,
    request: Request,
) -> Response {
    let id = format!("legacy-{}", uuid::Uuid::now_v7());
    let begin = begin(doors.clone(), (caller.clone(), peer), id, Speech::Legacy, None);
    open((doors, caller), request, begin)
}

async fn begin(
    doors: Doors,
    (caller, peer): (Caller, Peer),
    id: String,
    speech: Speech,
    since: Option<String>,
) -> Result<ClientSocket, Refused> {
    let client = parse_client_id(&id)?;
    let key = ClientKey { principal: caller.0.principal.clone(), client };
    let kind = if speech == Speech::Legacy { Kind::Legacy } else { Kind::Client };
    let seat = doors.seat(Watches { kind, transport: Transport::Socket, id: Some(id.clone()) }, &caller, peer)?;
    let mut stream = ClientStream::open(doors.clone(), Framing::Socket, seat);
    // It is followed before it is looked at, so nothing falls between.
    stream.follow(Of::Client(key.clone()));
    match speech {
        Speech::Client => stream.tell(GREETING, None),
        Speech::Legacy => stream.tell(ClientBody::Connected { client_id: &id }, None),
    }
    let confirmed = doors.desk.feed.view().ledger.client(&key).map(|client| client.confirmed);
    match (since.filter(|since| !since.is_empty()), confirmed) {
        (Some(since), _) => {
            let resume = doors.desk.feed.resume(&doors.desk.store, &since).await;
            stream.begin_after(resume).await;
        }
        (None, Some(seq)) if speech == Speech::Client => {
            let resume = doors.desk.feed.place_of(&doors.desk.store, seq).await;
            stream.begin_after(resume).await;
        }
        (None, _) => {
            stream.begin_with_states().await;
            // Before anything is said: should the broker die now, it is known where this client was.
            let seen = Command::ClientsSeen { clients: vec![(key.clone(), stream.follower.at.seq)] };
            doors.desk.ask(seen).await?;
        }
    }
    Ok(ClientSocket {
        doors,
        caller,
        key,
        speech,
        stream,
        waiting: FuturesOrdered::new(),
        answered: VecDeque::new(),
        confirmed: 0,
    })
}

struct ClientSocket {
    doors: Doors,
    caller: Caller,
    key: ClientKey,
    speech: Speech,
    stream: ClientStream,
    /// Submissions that are being decided, in their order.
    waiting: FuturesOrdered<Pin<Box<dyn Future<Output = Answered> + Send>>>,
    /// Those that were, and whose client was not told so.
    answered: VecDeque<Answered>,
    confirmed: u64,
}

/// What became of a submission.
struct Answered {
    job: JobId,
    reference: Option<Json>,
    outcome: Result<Decided, NotDecided>,
}

impl ClientSocket {
    fn refuse(&mut self, problem: &Problem, reference: Option<&Json>) {
        self.doors.metrics.refused(&problem.code);
        self.stream.tell(ClientBody::Error { code: &problem.code, error: &problem.detail }, reference);
    }

    /// Its first event is the answer; what is said here is what that does not say.
    async fn answer(&mut self, answered: Answered) {
        let Answered { job, reference, outcome } = answered;
        match outcome {
            Ok(Decided { answer: Answer::Submitted(fleet::Submitted { duplicate: false, .. }), .. }) => {
                if self.speech == Speech::Legacy {
                    self.stream.tell(ClientBody::JobSubmitted { job_id: job.as_str() }, reference.as_ref());
                }
            }
            Ok(Decided { answer: Answer::Submitted(known), .. }) => {
                self.stream.references.remove(&job);
                self.repeated(known.job, reference.as_ref()).await;
            }
            // A submission is answered with nothing else.
            Ok(_) => {}
            Err(not) => {
                self.stream.references.remove(&job);
                self.refuse(&not.problem(), reference.as_ref());
            }
        }
    }

    /// The same submission was there before: its client is told so, follows it from now on, and
    /// learns its end if it has ended.
    async fn repeated(&mut self, job: JobId, reference: Option<&Json>) {
        let status = match self.doors.desk.job(&job).await {
            Ok(Some(known)) => wire::JobStatus::from(known.status()),
            _ => return self.refuse(not_found(job).problem(), reference),
        };
        let body = ClientBody::JobAccepted { job_id: job.as_str(), status: status.as_str(), duplicate: true };
        self.stream.tell(body, reference);
        let follow = Command::Follow { client: self.key.clone(), jobs: vec![job.clone()], workflow: None };
        if let Err(not) = self.doors.desk.ask(follow).await {
            return self.refuse(&not.problem(), reference);
        }
        if let Err(error) = self.stream.also_follow(&[job]).await {
            self.refuse(&NotDecided::from(error).problem(), reference);
        }
    }

    async fn submit(&mut self, submission: Submission, minted: &JobId, reference: Option<Json>) {
        let (doors, caller) = (self.doors.clone(), self.caller.clone());
        let job = submission.spec.id.clone();
        let is_minted = job == *minted;
        if let Some(reference) = &reference {
            self.stream.references.insert(job.clone(), reference.clone());
        }
        let client = self.key.client.clone();
        match asked::take_in(&doors, &caller, client, submission, is_minted).await {
            Ok(TakenIn::Asked(decided)) => self.waiting.push_back(Box::pin(async move {
                let outcome = decided.await.unwrap_or(Err(NotDecided::ShuttingDown));
                Answered { job, reference, outcome }
            })),
            Ok(TakenIn::Known(known)) => {
                self.stream.references.remove(&job);
                self.repeated(known.spec.id.clone(), reference.as_ref()).await;
            }
            Err(refused) => {
                self.stream.references.remove(&job);
                self.refuse(refused.problem(), reference.as_ref());
            }
        }
    }

    async fn obey(&mut self, asks: ClientAsks, reference: Option<&Json>) -> Result<(), Refused> {
        match asks {
            // Taken before.
            ClientAsks::Submit(_) => {}
            ClientAsks::Ping => self.stream.tell(ClientBody::Pong {}, reference),
            ClientAsks::Status { job } | ClientAsks::Sync { job: Some(job) } => {
                self.say_status(&job, reference).await?;
            }
            ClientAsks::Sync { job: None } => {
                let (_, live, mut all) = self.stream.follower.live();
                all.extend(live.into_iter().map(|job| job.spec.id.clone()));
                all.sort();
                all.dedup();
                for job in all {
                    self.say_status(&job, reference).await?;
                }
            }
            ClientAsks::Cancel { job } => {
                check_visible(&self.doors, &self.caller, &job).await?;
                asked::call_off(&self.doors, &self.caller, &job).await?;
                self.stream.tell(ClientBody::JobCancelled { job_id: job.as_str() }, reference);
            }
            ClientAsks::Follow(followed) => self.follow(followed, reference).await?,
            ClientAsks::Unfollow(Followed { jobs, workflow }) => {
                let (client, named) = (self.key.clone(), workflow.clone());
                self.doors.desk.ask(Command::Unfollow { client, jobs: jobs.clone(), workflow: named }).await?;
                let ids: Vec<_> = jobs.iter().map(JobId::as_str).collect();
                let (job_id, job_ids) = one_or_many(&ids);
                let workflow_id = workflow.as_ref().map(fleet::WorkflowId::as_str);
                self.stream.tell(ClientBody::Unsubscribed { job_id, job_ids, workflow_id }, reference);
            }
        }
        Ok(())
    }

    async fn follow(&mut self, followed: Followed, reference: Option<&Json>) -> Result<(), Refused> {
        let Followed { jobs, workflow } = followed;
        for job in &jobs {
            check_visible(&self.doors, &self.caller, job).await?;
        }
        let (client, named) = (self.key.clone(), workflow.clone());
        self.doors.desk.ask(Command::Follow { client, jobs: jobs.clone(), workflow: named }).await?;
        let ids: Vec<_> = jobs.iter().map(JobId::as_str).collect();
        let (job_id, job_ids) = one_or_many(&ids);
        let workflow_id = workflow.as_ref().map(fleet::WorkflowId::as_str);
        self.stream.tell(ClientBody::Subscribed { job_id, job_ids, workflow_id }, reference);
        self.stream.also_follow(&jobs).await.map_err(NotDecided::from)?;
        Ok(())
    }

    async fn say_status(&mut self, id: &JobId, reference: Option<&Json>) -> Result<(), Refused> {
        let job = asked::shown(&self.doors, &self.caller, id).await?;
        self.stream.tell(ClientBody::JobStatus { job: &job }, reference);
        Ok(())
    }
}

fn one_or_many<'a>(ids: &'a [&'a str]) -> (Option<&'a str>, &'a [&'a str]) {
    match ids {
        [one] => (Some(one), &[]),
        many => (None, many),
    }
}

impl Speaker for ClientSocket {
    async fn next(&mut self) -> Option<Bytes> {
        tokio::select! {
            piece = self.stream.next() => piece,
            Some(answered) = self.waiting.next(), if !self.waiting.is_empty() => {
                self.answered.push_back(answered);
                Some(Bytes::new())
            }
        }
    }

    fn is_called(&self) -> bool {
        !self.answered.is_empty() || self.waiting.len() >= limits::SOCKET_SUBMISSIONS_MAX
    }

    async fn attend(&mut self) {
        let answered = match self.answered.pop_front() {
            Some(answered) => Some(answered),
            // Nothing more is heard until some of these are decided.
            None => self.waiting.next().await,
        };
        if let Some(answered) = answered {
            Box::pin(self.answer(answered)).await;
        }
    }

    fn ready(&mut self) -> Option<Bytes> {
        self.stream.ready()
    }

    fn is_drained(&self) -> bool {
        self.stream.is_drained()
    }

    async fn hear(&mut self, message: String) {
        let minted = match mint_job_id() {
            Ok(minted) => minted,
            Err(malformed) => return self.refuse(&(&malformed).into(), None),
        };
        let request = requests::client(
            &message,
            self.speech,
            (minted.clone(), self.caller.0.customer.as_ref()),
            self.doors.desk.now(),
        );
        let reference = request.reference;
        let outcome = match request.asked {
            Ok(ClientAsks::Submit(submission)) => {
                return Box::pin(self.submit(*submission, &minted, reference)).await;
            }
            Ok(asks) => {
                // What was submitted before it on this socket is decided first.
                while let Some(answered) = self.waiting.next().await {
                    Box::pin(self.answer(answered)).await;
                }
                Box::pin(self.obey(asks, reference.as_ref())).await
            }
            Err(refusable) => return self.refuse(&problem_of(&refusable), reference.as_ref()),
        };
        if let Err(refused) = outcome {
            self.refuse(refused.problem(), reference.as_ref());
        }
    }

    fn place(&self) -> u64 {
        self.stream.follower.at.seq
    }

    fn confirm(&mut self, seq: u64) {
        // What passed by is not worth remembering, what was given is.
        if self.stream.given > self.confirmed {
            self.confirmed = seq;
            self.doors.seen.confirm(&self.key, seq);
        }
    }

    fn watcher(&self) -> &Arc<Watcher> {
        &self.stream.seat.watcher
    }
}
