//! `GET /api/jobs`: jobs alive and archived in one list, newest first.

use super::Doors;
use super::body::Params;
use super::jobs::row;
use super::problem::Refused;
use crate::access::{Caller, Reach};
use crate::archived;
use crate::desk::NotDecided;
use crate::feed::facets::{Kind, assumed, facet, status};
use crate::feed::{Feed, View};
use crate::limits;
use axum::Json;
use axum::extract::State;
use fleet::{CustomerId, Job, Ledger, Status, Timestamp, WorkflowId};
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;
use store::{Facet, Query, StoreError, Totals};
use wire::jobs::{JobList, JobView, List, ListQuery};
use wire::rfc3339;

/// Jobs that are not in the archive: those that live, and those that ended a moment ago.
const LIVE: [Status; 3] = [Status::Pending, Status::Assigned, Status::InProgress];
const OVER: [Status; 3] = [Status::Completed, Status::Failed, Status::Cancelled];

pub(super) async fn list(
    State(doors): State<Doors>,
    caller: Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<JobList>, Refused> {
    let mut list = query.check()?;
    narrow(&mut list, &caller, &doors)?;
    let now = doors.desk.now();
    let found = find(&doors, &list).await?;
    Ok(Json(JobList {
        success: true,
        jobs: found.page.into_iter().filter_map(|row| row.show(&doors, now)).collect(),
        total: found.total,
        total_is: if found.is_exact { "exact" } else { "at_least" }.to_owned(),
        next_cursor: found.next_cursor.map(|order| order.to_string()),
        timestamp: rfc3339(now),
    }))
}

/// The newest completed jobs but for the first `skip`, how many there are in all, and whether more
/// follow.
pub(super) async fn completed(doors: &Doors, skip: usize, limit: usize) -> Result<(Vec<Job>, u64, bool), Refused> {
    let status = Some("completed".to_owned());
    let query = ListQuery { status, limit: Some(limit), offset: Some(skip), ..ListQuery::default() };
    let Found { page, total, next_cursor, .. } = find(doors, &query.check()?).await?;
    Ok((page.into_iter().filter_map(Row::job).collect(), total, next_cursor.is_some()))
}

/// A page of a list.
struct Found {
    page: Vec<Row>,
    total: u64,
    is_exact: bool,
    next_cursor: Option<u64>,
}

async fn find(doors: &Doors, list: &List) -> Result<Found, Refused> {
    let rows_max = list.skip + list.limit;
    let archive = &doors.desk.store.archive;
    // First the archive, then the view: what ended in between is in the view still.
    let found = archive.find(&archive_query(list, rows_max)).await.map_err(refused)?;
    let is_counted = list.is_by_status_and_service() && !(list.statuses.is_empty() && list.services.is_empty());
    let totals = if is_counted { Some(archive.totals().await.map_err(refused)?) } else { None };
    let (count, counted_at) = match &totals {
        Some(totals) => (total_of(list, totals), totals.place),
        None => (found.count, found.place),
    };
    let mut known = Known::new(list, rows_max, Timestamp(found.place.before), Timestamp(counted_at.before));
    known.take_all(&doors.desk.feed).await;

    let archived_is_cut = found.rows.len() == rows_max;
    let is_searched = list.text.is_none() || known.ended == 0;
    let is_exact =
        is_searched && (list.is_by_status_and_service() || (found.is_exact && known.living < limits::COUNT_MAX));
    let total = count + known.living + if list.text.is_none() { known.ended } else { 0 };
    let is_cut = known.is_cut || archived_is_cut;
    let mut rows: Vec<Row> = known.rows().chain(found.rows.into_iter().map(Row::Archived)).collect();
    // It may have ended while this looked.
    rows.sort_by_key(|row| Reverse(row.order()));
    rows.dedup_by_key(|row| row.order());
    let there_is_more = rows.len() > rows_max || is_cut;
    let page: Vec<Row> = rows.into_iter().take(rows_max).skip(list.skip).collect();
    let next_cursor = page.last().map(Row::order).filter(|order| there_is_more && *order > 1);
    Ok(Found { page, total, is_exact, next_cursor })
}

/// Nothing else is looked for than what the caller may see.
fn narrow(list: &mut List, caller: &Caller, doors: &Doors) -> Result<(), Refused> {
    if list.text.is_some() && doors.config.redact_payloads && !caller.finds_by_payload() {
        let why = "q: finds jobs by their payloads, which are kept from monitors here (--redact-payloads)";
        return Err(Refused::new(403, "forbidden", why));
    }
    match caller.reach() {
        Reach::All => {}
        Reach::Principal(principal) => list.principals = vec![principal.as_str().to_owned()],
        Reach::Customer(customer) => {
            let customer = customer.as_str();
            let is_asked_for = list.customers.is_empty() || list.customers.iter().any(|asked| asked == customer);
            // Of others there is nothing to be found: no customer is called by nothing.
            list.customers = vec![if is_asked_for { customer.to_owned() } else { String::new() }];
        }
    }
    Ok(())
}

/// A row that the page may have; what it passes over is not decoded.
enum Row {
    Known(Arc<Job>),
    Archived(store::Row),
}

impl Row {
    fn order(&self) -> u64 {
        match self {
            Row::Known(job) => job.order,
            Row::Archived(row) => row.number,
        }
    }

    fn job(self) -> Option<Job> {
        match self {
            Row::Known(job) => Some(Job::clone(&job)),
            Row::Archived(found) => archived::job_of(&found).ok(),
        }
    }

    /// None, if the archive's bytes cannot be read: the others can, and the log says it.
    fn show(self, doors: &Doors, now: Timestamp) -> Option<JobView> {
        match self {
            Row::Known(job) => Some(row(doors, &job, now)),
            Row::Archived(found) => {
                let job = archived::job_of(&found).ok()?;
                Some(JobView { contents_dropped: found.is_dropped, ..row(doors, &job, now) })
            }
        }
    }
}

fn refused(error: StoreError) -> Refused {
    match error {
        StoreError::NoSearch => Refused::new(400, "bad_field", format!("q: {error}")),
        error => NotDecided::from(error).into(),
    }
}

/// One list of facets for each filter; of each one must hold.
fn facets_of(list: &List, statuses: &[Status]) -> Vec<Vec<Facet>> {
    let by = |kind: Kind, values: &[String]| values.iter().map(|value| facet(kind, value)).collect();
    let all: [Vec<Facet>; 7] = [
        statuses.iter().map(|one| status(*one)).collect(),
        by(Kind::Service, &list.services),
        by(Kind::Customer, &list.customers),
        by(Kind::Workflow, &list.workflows),
        by(Kind::Worker, &list.workers),
        by(Kind::Machine, &list.machines),
        by(Kind::Principal, &list.principals),
    ];
    all.into_iter().filter(|values| !values.is_empty()).collect()
}

fn archive_query(list: &List, limit: usize) -> Query {
    Query {
        all_of: facets_of(list, &list.statuses),
        assumed: Some(assumed()),
        below: list.before,
        began_from: list.since.map(|time| time.0),
        began_before: list.until.map(|time| time.0),
        text: list.text.clone(),
        limit,
        skip: 0,
        count_max: if list.is_by_status_and_service() { 0 } else { limits::COUNT_MAX },
    }
}

/// What the list has of jobs that are not in the archive as it was found.
struct Known<'a> {
    list: &'a List,
    rows_max: usize,
    /// What ended before is in the archive: as its rows were found, and as it was counted.
    found_at: Timestamp,
    counted_at: Timestamp,
    alive: Vec<Arc<Job>>,
    /// The newest by number.
    over: Vec<Arc<Job>>,
    /// More would have passed than there are rows.
    is_cut: bool,
    living: u64,
    ended: u64,
}

/// Which jobs count by when they were submitted, and how far the ended ones were looked at.
struct Walk {
    counted: Range<u64>,
    /// The next end and its job.
    from: (Timestamp, u64),
    /// The last end that is looked at.
    to: Timestamp,
}

impl<'a> Known<'a> {
    fn new(list: &'a List, rows_max: usize, found_at: Timestamp, counted_at: Timestamp) -> Known<'a> {
        let (alive, over) = (Vec::new(), Vec::new());
        Known { list, rows_max, found_at, counted_at, alive, over, is_cut: false, living: 0, ended: 0 }
    }

    /// Everything of one moment, unless so much has ended that the archive has not got that it is
    /// looked at in pieces; those that ended first come first, so that none is forgotten meanwhile.
    async fn take_all(&mut self, feed: &Feed) {
        let mut walk = {
            let view = feed.view();
            let walk = self.begin(&view);
            self.take_living(&view, &walk);
            self.take_ended(&view.ledger, walk)
        };
        while let Some(next) = walk {
            tokio::task::yield_now().await;
            walk = self.take_ended(&feed.view().ledger, next);
        }
    }

    fn begin(&self, view: &View) -> Walk {
        let from = self.list.since.map_or(0, |since| view.order_at(since));
        let until = self.list.until.map_or(u64::MAX, |until| view.order_at(until));
        let newest = view.ledger.completed().next().into_iter().chain(view.ledger.unhappy().next());
        let to = newest.filter_map(Job::finished_at).max().unwrap_or_default();
        Walk { counted: from..until, from: (self.found_at.min(self.counted_at), 0), to }
    }

    fn take_living(&mut self, view: &View, walk: &Walk) {
        let list = self.list;
        let wanted: Vec<Status> = LIVE.into_iter().filter(|status| wants(list, *status)).collect();
        // Only what has ended has a text.
        if wanted.is_empty() || list.text.is_some() {
            return;
        }
        let facets = facets_of(list, &wanted);
        let Range { start, end } = walk.counted;
        let matching = |below| view.matching(&facets, below).take_while(|order| *order >= start);
        let rows = matching(end.min(list.before)).filter_map(|order| view.ledger.row_of(order));
        self.alive = rows.take(self.rows_max).cloned().collect();
        self.is_cut |= self.alive.len() == self.rows_max;
        self.living = match list.since.is_none() && list.until.is_none() {
            true => view.count(&facets),
            false => matching(end).take(limits::COUNT_MAX as usize).count() as u64,
        };
    }

    /// A piece of what has ended; returns where to go on, if that was not all.
    fn take_ended(&mut self, ledger: &Ledger, walk: Walk) -> Option<Walk> {
        if !OVER.into_iter().any(|status| wants(self.list, status)) {
            return None;
        }
        let to = walk.to;
        let mut ended = ledger.ended_from(walk.from.0, walk.from.1).take_while(move |(at, _)| *at <= to);
        for (at, job) in ended.by_ref().take(limits::LISTED_AT_ONCE_MAX) {
            if !walk.counted.contains(&job.order) || !passes(self.list, job) {
                continue;
            }
            self.ended += u64::from(at >= self.counted_at);
            // What is searched for is searched for in the archive.
            if at >= self.found_at && job.order < self.list.before && self.list.text.is_none() {
                self.over.push(Arc::clone(job));
                if self.over.len() >= 2 * self.rows_max {
                    self.keep_newest();
                }
            }
        }
        let (at, job) = ended.next()?;
        Some(Walk { from: (at, job.order), ..walk })
    }

    fn keep_newest(&mut self) {
        if self.over.len() > self.rows_max {
            self.over.select_nth_unstable_by_key(self.rows_max, |job| Reverse(job.order));
            self.over.truncate(self.rows_max);
            self.is_cut = true;
        }
    }

    fn rows(self) -> impl Iterator<Item = Row> {
        self.over.into_iter().chain(self.alive).map(Row::Known)
    }
}

fn wants(list: &List, status: Status) -> bool {
    list.statuses.is_empty() || list.statuses.contains(&status)
}

/// What the archive counts by status and service.
fn total_of(list: &List, totals: &Totals) -> u64 {
    let passes = |group: &String, word: &str| {
        let wants_word = |status: &Status| wire::JobStatus::from(*status).as_str() == word;
        (list.statuses.is_empty() || list.statuses.iter().any(wants_word))
            && (list.services.is_empty() || list.services.contains(group))
    };
    totals.by.iter().filter(|((group, word), _)| passes(group, word)).map(|(_, count)| count).sum()
}

/// Whether a job passes all filters but those of time and text.
fn passes(list: &List, job: &Job) -> bool {
    let spec = &job.spec;
    wants(list, job.status())
        && wants_any(&list.services, std::iter::once(spec.requirements.service.as_str()))
        && wants_any(&list.customers, spec.customer.iter().map(CustomerId::as_str))
        && wants_any(&list.workflows, spec.workflow_id().into_iter().map(WorkflowId::as_str))
        && wants_any(&list.workers, job.attempts.iter().map(|attempt| attempt.worker.as_str()))
        && wants_any(&list.principals, std::iter::once(spec.owner.principal.as_str()))
        && wants_any(&list.machines, job.attempts.iter().map(|attempt| attempt.machine.as_str()))
}

fn wants_any<'a>(wanted: &[String], mut has: impl Iterator<Item = &'a str>) -> bool {
    wanted.is_empty() || has.any(|value| wanted.iter().any(|wanted| wanted == value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{cancelled, submitted};
    use std::collections::BTreeSet;
    use store::Position;

    const ENDED: u64 = 5_000;

    /// So much has ended since the archive could be written.
    fn lagging() -> Feed {
        let mut ledger = Ledger::default();
        (1..=ENDED + 3).for_each(|order| ledger.apply(&submitted(order)));
        // What came first ends last.
        (1..=ENDED).rev().for_each(|order| ledger.apply(&cancelled(order)));
        Feed::new(ledger, Position::START, BTreeSet::new())
    }

    fn list(query: ListQuery) -> List {
        query.check().unwrap()
    }

    #[tokio::test]
    async fn however_much_is_not_archived_all_of_it_is_listed_and_counted_once() {
        let feed = lagging();
        let of = |customer: &str| ListQuery { customer_id: Some(customer.to_owned()), ..ListQuery::default() };
        let cancelled = || ListQuery { status: Some("cancelled".to_owned()), ..ListQuery::default() };
        let cases = [
            (ListQuery::default(), ENDED, 3, ENDED + 3),
            (of("odd"), ENDED / 2, 2, ENDED + 3),
            (cancelled(), ENDED, 0, ENDED),
            (ListQuery { until: Some("101".to_owned()), ..cancelled() }, 100, 0, 100),
            (ListQuery { cursor: Some("101".to_owned()), ..cancelled() }, ENDED, 0, 100),
        ];
        for (query, ended, living, newest) in cases {
            let list = list(query);
            let mut known = Known::new(&list, 70, Timestamp(i64::MIN), Timestamp(i64::MIN));
            known.take_all(&feed).await;
            assert_eq!((known.ended, known.living), (ended, living), "{list:?}");
            let mut rows: Vec<u64> = known.rows().map(|row| row.order()).collect();
            rows.sort_by_key(|order| Reverse(*order));
            let step = if list.customers.is_empty() { 1 } else { 2 };
            let expected: Vec<u64> = (0..70).map(|row| newest - row * step).collect();
            assert_eq!(rows[..70], expected, "{list:?}");
        }
    }

    #[test]
    fn nothing_is_kept_from_being_told_for_longer_than_a_piece() {
        let feed = lagging();
        let list = list(ListQuery::default());
        let mut known = Known::new(&list, 50, Timestamp(i64::MIN), Timestamp(i64::MIN));
        let mut walk = Some(known.begin(&feed.view()));
        let mut pieces = Vec::new();
        while let Some(next) = walk {
            let before = known.ended;
            walk = known.take_ended(&feed.view().ledger, next);
            pieces.push(known.ended - before);
        }
        assert_eq!(pieces, [2_000, 2_000, 1_000]);
        assert!(known.over.len() <= 100 && known.is_cut, "no more is held than a page may need");
    }
}
