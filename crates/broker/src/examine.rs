//! Does what a store says hang together? The ledger against the archive and the contents.

use crate::contents::{Slot, number};
use fleet::{Job, Ledger};
use store::ops::{Meaning, OpsError};
use wire::stored;

/// What is wrong, in sentences, and how many jobs were looked at.
#[derive(Debug, Default)]
pub struct Examined {
    /// Jobs that live, and jobs that ended.
    pub alive: u64,
    pub ended: u64,
    pub findings: Vec<String>,
    /// More than are told.
    pub untold: u64,
}

/// Findings told one by one.
const FINDINGS_MAX: usize = 50;

/// Reads everything as a start would and compares: a job is alive in the ledger or ended in the
/// archive; what ended lately is in both and the same; a job that lives has its payload.
///
/// # Errors
/// The store cannot be read.
pub fn examine(store: &Meaning) -> Result<Examined, OpsError> {
    let mut examined = Examined::default();
    let (mut ledger, mut decoder) = (Ledger::default(), stored::Decoder::default());
    store.story(&mut |bytes| match decoder.decode(bytes) {
        Ok(events) => events.iter().for_each(|event| ledger.apply(event)),
        Err(error) => examined.find(format!("journal: {error}; a newer version wrote it, or it is damaged")),
    })?;
    let before = store.archived_before()?;
    for job in ledger.submitted_before(u64::MAX) {
        match job.finished_at() {
            None => examined.look_at_living(store, job)?,
            Some(at) if at.0 < before => {
                // What is too old was removed there, and the ledger keeps the last ones whatever their age.
                let archived = store.entry(job.order)?.map(|bytes| stored::job(&bytes));
                if archived.is_some_and(|archived| archived.is_ok_and(|(archived, _)| archived != *job)) {
                    let id = &job.spec.id;
                    examined
                        .find(format!("job {id}: the archive tells another story than the journal; restore a backup"));
                }
            }
            Some(_) => {}
        }
    }
    store.entries(&mut |order, bytes| {
        examined.ended += 1;
        match stored::job(bytes) {
            Err(error) => examined.find(format!("archive: entry {order}: {error}; restore a backup")),
            Ok((job, _)) if job.order != order || job.finished_at().is_none() => {
                examined.find(format!(
                    "archive: entry {order} is job {}, which it should not be; restore a backup",
                    job.spec.id
                ));
            }
            Ok(_) => {}
        }
    })?;
    Ok(examined)
}

impl Examined {
    fn find(&mut self, finding: String) {
        match self.findings.len() < FINDINGS_MAX {
            true => self.findings.push(finding),
            false => self.untold += 1,
        }
    }

    fn look_at_living(&mut self, store: &Meaning, job: &Job) -> Result<(), OpsError> {
        self.alive += 1;
        let id = &job.spec.id;
        if store.entry(job.order)?.is_some() {
            self.find(format!("job {id}: it lives, and the archive says that it ended; restore a backup"));
        }
        let ctx = job.spec.ctx().map(|_| Slot::Ctx);
        for slot in [Some(Slot::Payload), ctx].into_iter().flatten() {
            if !store.has_content(number(job.order, slot))? {
                self.find(format!(
                    "job {id}: its {slot:?} is missing, so no worker can be given it; cancel it, or restore a backup"
                ));
            }
        }
        Ok(())
    }
}
