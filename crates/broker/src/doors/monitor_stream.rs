//! What a monitor is told, over whatever connection: a snapshot or what it missed, then
//! everything that it is subscribed to, as it happens.

use super::Doors;
use super::events::{bookmark, retry, spread};
use super::job_list;
use crate::connections::Seat;
use crate::feed::{Counted, Cursor, Framing, Piece, Resume, Subscription};
use crate::limits;
use bytes::Bytes;
use std::collections::VecDeque;
use tokio::time::Instant;
use wire::monitor::{MonitorBody, MonitorMessage, ResyncReason};
use wire::requests::Page;
use wire::snapshot::Snapshot;
use wire::{EventId, Filters, Json, Topics};

pub(super) struct MonitorStream {
    pub(super) doors: Doors,
    pub(super) monitor_id: String,
    pub(super) cursor: Cursor,
    /// Pieces that go before anything else.
    first: VecDeque<Bytes>,
    with_snapshot: bool,
    bookmark_at: Instant,
    ack_at: Instant,
    /// A stream that was resumed says so when it has everything.
    catching_up: bool,
    pub(super) is_over: bool,
    pub(super) seat: Seat,
    _counted: Counted,
}

impl MonitorStream {
    pub(super) fn open(doors: Doors, subscription: Subscription, with_snapshot: bool, seat: Seat) -> MonitorStream {
        let feed = &doors.desk.feed;
        let now = Instant::now();
        let framing = subscription.variant.framing;
        let mut stream = MonitorStream {
            // One that does not name itself is called after its kind of connection.
            monitor_id: seat.watcher.watches.id.clone().unwrap_or_else(|| "sse".to_owned()),
            cursor: Cursor::at_head(feed, subscription),
            first: VecDeque::new(),
            with_snapshot,
            bookmark_at: now + spread(limits::BOOKMARK_EVERY),
            ack_at: now + limits::HEARTBEAT_ACK_EVERY,
            catching_up: false,
            is_over: false,
            seat,
            _counted: Counted::new(feed, |feed| &feed.monitors),
            doors,
        };
        if framing == Framing::Sse {
            stream.first.push_back(retry());
        }
        stream.tell(MonitorBody::Connected {});
        stream
    }

    /// Goes on after `since`, or says why not and begins with a snapshot.
    pub(super) async fn begin(&mut self, since: Option<&str>) {
        let resume = match since {
            Some(since) => Some(self.doors.desk.feed.resume(&self.doors.desk.store, since).await),
            None => None,
        };
        match resume {
            Some(Resume::From(at)) => {
                self.cursor.move_to(at);
                self.catching_up = true;
            }
            // It cannot be checked now; the same position is asked for again soon.
            Some(Resume::Away) => self.is_over = true,
            Some(other) => self.resync(other.resync()),
            None => self.snapshot(),
        }
    }

    fn framing(&self) -> Framing {
        self.cursor.subscription.variant.framing
    }

    fn tell(&mut self, body: MonitorBody<'_>) {
        self.reply(body, None);
    }

    /// Answers a request that is called by `reference`.
    pub(super) fn reply(&mut self, body: MonitorBody<'_>, reference: Option<&Json>) {
        let message = MonitorMessage::reply(body, reference, self.doors.desk.now());
        self.first.push_back(self.framing().frame(None, message.as_bytes()));
    }

    pub(super) fn resync(&mut self, reason: Option<ResyncReason>) {
        if let Some(reason) = reason {
            self.tell(MonitorBody::Resync { reason });
        }
        self.snapshot();
    }

    fn snapshot(&mut self) {
        if self.with_snapshot {
            return self.snapshot_now(None);
        }
        let at = self.doors.desk.feed.view().event_id();
        if self.framing() == Framing::Sse {
            self.first.push_back(bookmark(at));
        }
        self.cursor.move_to(at);
    }

    /// The whole state, which is not older than anything this connection was told: the next event
    /// is the first after it.
    fn snapshot_now(&mut self, reference: Option<&Json>) {
        let snapshot = self.doors.desk.feed.snapshot(self.doors.desk.now());
        self.say_snapshot(snapshot, reference);
    }

    fn say_snapshot(&mut self, (at, rest): (EventId, Bytes), reference: Option<&Json>) {
        let head = wire::monitor::snapshot_head(&self.monitor_id, reference);
        self.first.extend(self.framing().parts(Some(&at.to_string()), head.as_bytes(), &rest));
        self.cursor.move_to(at);
    }

    /// The whole state with a page of the completed jobs.
    pub(super) async fn full_state(&mut self, page: Page, reference: Option<&Json>) {
        if page == Page::default() {
            return self.snapshot_now(reference);
        }
        let (number, size) = (page.page as u64, page.page_size as u64);
        match job_list::completed(&self.doors, (page.page - 1) * page.page_size, page.page_size).await {
            Ok((completed, total, more)) => {
                let put_in = |all: Snapshot| all.with_page(&completed, (number, size), total, more);
                let snapshot = self.doors.desk.feed.changed_snapshot(self.doors.desk.now(), put_in);
                self.say_snapshot(snapshot, reference);
            }
            Err(refused) => {
                let problem = refused.problem();
                self.reply(MonitorBody::Error { code: &problem.code, error: &problem.detail }, reference);
            }
        }
    }

    /// Replaces what is subscribed to; what is absent stays as it is.
    pub(super) fn subscribe(&mut self, topics: Option<Topics>, filters: Option<Filters>, reference: Option<&Json>) {
        let subscription = &mut self.cursor.subscription;
        subscription.topics = topics.unwrap_or(subscription.topics);
        subscription.filters = filters.unwrap_or_else(|| std::mem::take(&mut subscription.filters));
        let topics = subscription.topics.names().collect();
        let monitor_id = std::mem::take(&mut self.monitor_id);
        self.reply(MonitorBody::Subscribed { monitor_id: &monitor_id, topics }, reference);
        self.monitor_id = monitor_id;
    }

    /// The next piece; `None`: it is over. Given up half-way, nothing is lost.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.first.pop_front() {
                return Some(piece);
            }
            if self.is_over {
                return None;
            }
            if Instant::now() >= self.ack_at {
                self.ack();
                continue;
            }
            if Instant::now() >= self.bookmark_at {
                self.bookmark_at = Instant::now() + spread(limits::BOOKMARK_EVERY);
                if self.framing() == Framing::Sse {
                    self.first.push_back(bookmark(self.cursor.at));
                }
                continue;
            }
            let piece = self.cursor.next(&self.doors.desk.store).await;
            self.seat.watcher.stands(self.cursor.at.seq);
            match piece {
                Piece::Frames(pieces) => self.first.extend(pieces.into_iter().filter(|piece| !piece.is_empty())),
                Piece::Trimmed => self.resync(Some(ResyncReason::Expired)),
                Piece::Away => tokio::select! {
                    () = tokio::time::sleep(limits::AWAY_WAIT) => {}
                    () = self.doors.closing.cancelled() => self.is_over = true,
                },
                Piece::UpToDate if self.catching_up => self.ack(),
                Piece::UpToDate => self.wait().await,
            }
        }
    }

    /// Whether all that it told of up to its place was given.
    pub(super) fn is_drained(&self) -> bool {
        self.first.is_empty()
    }

    /// What is ready without waiting.
    pub(super) fn ready(&mut self) -> Option<Bytes> {
        self.first.pop_front()
    }

    /// Until there is something new, or it is time to say where we are.
    async fn wait(&mut self) {
        self.seat.watcher.has_everything(self.doors.desk.now());
        let is_sse = self.framing() == Framing::Sse;
        tokio::select! {
            () = self.cursor.changed() => {}
            () = tokio::time::sleep_until(self.ack_at.min(self.bookmark_at)) => {}
            () = self.doors.closing.cancelled() => {
                self.is_over = true;
                if is_sse {
                    self.first.push_back(retry());
                }
            }
        }
    }

    /// Says where the board is and how much of it is still to come, to who is subscribed to that.
    fn ack(&mut self) {
        self.ack_at = Instant::now() + limits::HEARTBEAT_ACK_EVERY;
        match self.cursor.subscription.topics.shares(Topics::HEARTBEAT) {
            true => self.ack_to(None),
            false => self.catching_up = false,
        }
    }

    /// The same, to who asked.
    pub(super) fn ack_to(&mut self, reference: Option<&Json>) {
        let (head, now) = (self.doors.desk.feed.view().event_id(), self.doors.desk.now());
        let head_event_id = head.to_string();
        let events_missed = head.seq.saturating_sub(self.cursor.at.seq);
        self.catching_up &= events_missed > 0;
        let monitor_id = std::mem::take(&mut self.monitor_id);
        let ack = MonitorBody::HeartbeatAck {
            monitor_id: &monitor_id,
            server_timestamp: now.0,
            head_event_id: &head_event_id,
            events_missed,
        };
        self.reply(ack, reference);
        self.monitor_id = monitor_id;
    }
}
