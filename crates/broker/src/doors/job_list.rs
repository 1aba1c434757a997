//! `GET /api/jobs`: jobs alive and archived in one list, newest first.

use super::Doors;
use super::body::Params;
use super::jobs::row;
use super::problem::Refused;
use crate::archived;
use crate::desk::NotDecided;
use crate::feed::View;
use crate::feed::facets::{self, Kind, facet, status};
use crate::limits;
use axum::Json;
use axum::extract::State;
use fleet::{Job, Status, Timestamp};
use store::{Facet, Found, Query, StoreError};
use wire::jobs::{JobList, List, ListQuery};
use wire::rfc3339;

/// Jobs that are not in the archive: those that live, and those that ended a moment ago.
const LIVE: [Status; 3] = [Status::Pending, Status::Assigned, Status::InProgress];

pub(super) async fn list(
    State(doors): State<Doors>,
    Params(query): Params<ListQuery>,
) -> Result<Json<JobList>, Refused> {
    let list = query.check()?;
    let now = doors.desk.now();
    let rows_max = list.skip + list.limit;
    // First the archive, then the view: what ended in between is in the view still.
    let found = doors.desk.store.archive.find(&archive_query(&list, rows_max)).await.map_err(refused)?;
    let counted = match list.is_by_status_and_service() {
        true => Some(doors.desk.store.archive.counts().await.map_err(refused)?),
        false => None,
    };
    let mut page = Page::default();
    {
        let view = doors.desk.feed.view();
        page.take_living(&view, &list, &found, rows_max);
        page.count(&view, &list, &found, counted.as_ref());
    }
    let Page { mut jobs, total, is_exact, .. } = page;
    for row in &found.rows {
        jobs.push((row.number, archived::job_of(row).map_err(NotDecided::from)?, row.is_dropped));
    }
    jobs.sort_by_key(|(order, ..)| std::cmp::Reverse(*order));
    let there_is_more = jobs.len() > rows_max || found.rows.len() == rows_max || page.is_cut;
    let jobs: Vec<_> = jobs.into_iter().take(rows_max).skip(list.skip).collect();
    let next_cursor = jobs.last().map(|(order, ..)| *order).filter(|order| there_is_more && *order > 1);
    let shown = jobs.iter().map(|(_, job, dropped)| {
        let mut view = row(&doors, job, now);
        view.contents_dropped = *dropped;
        view
    });
    Ok(Json(JobList {
        success: true,
        jobs: shown.collect(),
        total,
        total_is: if is_exact { "exact" } else { "at_least" }.to_owned(),
        next_cursor: next_cursor.map(|order| order.to_string()),
        timestamp: rfc3339(now),
    }))
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
    let all: [Vec<Facet>; 6] = [
        statuses.iter().map(|one| status(*one)).collect(),
        by(Kind::Service, &list.services),
        by(Kind::Customer, &list.customers),
        by(Kind::Workflow, &list.workflows),
        by(Kind::Worker, &list.workers),
        by(Kind::Machine, &list.machines),
    ];
    all.into_iter().filter(|values| !values.is_empty()).collect()
}

fn archive_query(list: &List, limit: usize) -> Query {
    Query {
        all_of: facets_of(list, &list.statuses),
        below: list.before,
        began_from: list.since.map(|time| time.0),
        began_before: list.until.map(|time| time.0),
        text: list.text.clone(),
        limit,
        skip: 0,
        count_max: if list.is_by_status_and_service() { 0 } else { limits::COUNT_MAX },
    }
}

#[derive(Default)]
struct Page {
    jobs: Vec<(u64, Job, bool)>,
    /// More of the living would have passed.
    is_cut: bool,
    total: u64,
    is_exact: bool,
}

impl Page {
    /// The rows of jobs that are not in the archive as it was found.
    fn take_living(&mut self, view: &View, list: &List, found: &Found, rows_max: usize) {
        // Only what has ended has a text.
        if list.text.is_some() {
            return;
        }
        let below = list.before.min(list.until.map_or(u64::MAX, |until| view.order_at(until)));
        let from = list.since.map_or(0, |since| view.order_at(since));
        let mut take = |job: &Job| self.jobs.push((job.order, job.clone(), false));
        let wanted = live_of(list);
        let mut living = 0;
        if !wanted.is_empty() {
            let facets = facets_of(list, &wanted);
            let matching = view.matching(&facets, below).take_while(|order| *order >= from);
            for job in matching.filter_map(|order| view.ledger.job_of(order)).take(rows_max) {
                take(job);
                living += 1;
            }
        }
        let ended = view.ledger.ended_since(Timestamp(found.place.before));
        ended.filter(|job| (from..below).contains(&job.order) && passes(list, job)).for_each(take);
        self.is_cut = living == rows_max;
    }

    fn count(&mut self, view: &View, list: &List, found: &Found, counts: Option<&store::Counts>) {
        let before = counts.map_or(found.place, |counts| counts.place).before;
        let from = list.since.map_or(0, |since| view.order_at(since));
        let below = list.until.map_or(u64::MAX, |until| view.order_at(until));
        let wanted = live_of(list);
        let living = match wanted.is_empty() || list.text.is_some() {
            true => 0,
            false if list.since.is_none() && list.until.is_none() => view.count(&facets_of(list, &wanted)),
            false => {
                let facets = facets_of(list, &wanted);
                let matching = view.matching(&facets, below).take_while(|order| *order >= from);
                matching.take(limits::COUNT_MAX as usize).count() as u64
            }
        };
        let ended = view.ledger.ended_since(Timestamp(before));
        let ended = ended.filter(|job| (from..below).contains(&job.order) && passes(list, job));
        let ended = if list.text.is_some() { 0 } else { ended.count() as u64 };
        let (archived, is_exact) = match counts {
            Some(counts) => (counted(list, counts), true),
            None => (found.count, found.is_exact && living < limits::COUNT_MAX),
        };
        self.total = living + ended + archived;
        self.is_exact = is_exact;
    }
}

/// The statuses of the living that are asked for.
fn live_of(list: &List) -> Vec<Status> {
    LIVE.into_iter().filter(|status| list.statuses.is_empty() || list.statuses.contains(status)).collect()
}

fn counted(list: &List, counts: &store::Counts) -> u64 {
    let passes = |by: &store::CountedBy| {
        let wants_word = |status: &Status| wire::JobStatus::from(*status).as_str() == by.word;
        (list.statuses.is_empty() || list.statuses.iter().any(wants_word))
            && (list.services.is_empty() || list.services.contains(&by.group))
    };
    counts.by.iter().filter(|(by, _)| passes(by)).map(|(_, count)| count).sum()
}

fn passes(list: &List, job: &Job) -> bool {
    let has = facets::of(job);
    facets_of(list, &list.statuses).iter().all(|any| any.iter().any(|facet| has.contains(facet)))
}
