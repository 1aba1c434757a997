//! Figures of an archive with ten million entries: filters, writing, room. Takes some 9 GB.
//!
//! ```text
//! cargo bench -p store --bench archive_figures -- /var/tmp/board.archive 10000000
//! ```
//!
//! The file is filled up to so many entries, and stays.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use store::{Archive, CountedBy, Entry, Facet, Place, Position, Query, SqliteArchive};

const KINDS: [(&str, u64); 6] =
    [("status", 4), ("service", 20), ("customer", 1_000), ("workflow", 1_000_000), ("worker", 1_000), ("machine", 250)];
const OLD: &str = "of the first 1,000 entries only";
const NEVER: &str = "of none";

struct Random(u64);

impl Random {
    fn below(&mut self, max: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % max
    }
}

fn value(kind: usize, value: u64) -> String {
    match KINDS[kind].0 {
        "workflow" => format!("0193a5b2-7c3d-7e4f-8a5b-{value:012x}"),
        name => format!("{name}-{value}"),
    }
}

/// An entry as the broker would put it: a job's story of 300 bytes, a minted id, a key of the
/// submitter's, and values of every kind anywhere in time.
fn entry(number: u64, random: &mut Random) -> Entry {
    let mut pick = |kind: usize| {
        let of = KINDS[kind].1;
        // Nine of ten complete.
        let chosen = if kind == 0 && random.below(10) > 0 { 0 } else { random.below(of) };
        Facet { kind: kind as u8, value: value(kind, chosen) }
    };
    let mut facets: Vec<Facet> = (0..KINDS.len()).map(&mut pick).collect();
    if number <= 1_000 {
        facets.extend((0..KINDS.len()).map(|kind| Facet { kind: kind as u8, value: OLD.to_owned() }));
    }
    let began = 1_700_000_000_000 + number as i64 * 100;
    let counted =
        CountedBy { day: (began / 86_400_000) as i32, group: facets[1].value.clone(), word: facets[0].value.clone() };
    let story: Vec<u8> = (0..300).map(|_| random.below(64) as u8 + 32).collect();
    Entry {
        number,
        seq: number * 4,
        began,
        ended: began + 3_000,
        names: vec![
            format!("job:{:012x}-7000-8000-{:012x}", began, random.below(1 << 31)),
            format!("key:{:016x}{:08x}", random.below(1 << 31) << 24, number),
        ],
        facets,
        counted,
        content_bytes: 2_000,
        bytes: Bytes::from(story),
        text: None,
    }
}

/// As most boards see them: ten of a workflow one after the other, and no keys.
fn orderly(number: u64, random: &mut Random) -> Entry {
    let mut entry = entry(number, random);
    entry.facets[3].value = value(3, number / 10);
    entry.names.truncate(1);
    entry
}

type Kind = fn(u64, &mut Random) -> Entry;

async fn put(archive: &SqliteArchive, first: u64, count: u64, random: &mut Random, of: Kind) -> Duration {
    let entries: Vec<Entry> = (first..first + count).map(|number| of(number, random)).collect();
    let position = Position { epoch: 1, seq: (first + count) * 4, hash: [1; 8] };
    let began = Instant::now();
    archive.put(entries, Vec::new(), Place { position, before: first as i64 }).await.unwrap();
    began.elapsed()
}

/// Time on a processor of the thread that writes.
fn writer_cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let mut writers = tasks.filter(|task| fs::read_to_string(task.join("comm")).unwrap().trim() == "archive-writer");
    let stat = fs::read_to_string(writers.next().unwrap().join("schedstat")).unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// Time on a processor of all threads that are alive.
fn all_cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let stats = tasks.filter_map(|task| fs::read_to_string(task.join("schedstat")).ok());
    stats.map(|stat| Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())).sum()
}

/// Runs `queries` and says how long each took, and how long a processor worked for one.
async fn measure(archive: &SqliteArchive, what: &str, queries: Vec<Query>) {
    let (mut times, cpu, count) = (Vec::new(), all_cpu(), queries.len() as f64);
    for query in queries {
        let began = Instant::now();
        archive.find(&query).await.unwrap();
        times.push(began.elapsed());
    }
    let each = all_cpu().saturating_sub(cpu).as_secs_f64() * 1_000.0 / count;
    say(&format!("{what} (processor {each:.2} ms)"), times);
}

fn say(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    println!("{what:<66} {:>5} p50 {:7.2} p95 {:7.2} max {:7.2} ms", times.len(), at(50), at(95), at(100));
}

fn query(all_of: &[(usize, String)]) -> Query {
    let all_of = all_of.iter().map(|(kind, value)| vec![Facet { kind: *kind as u8, value: value.clone() }]).collect();
    Query {
        all_of,
        assumed: None,
        below: u64::MAX,
        began_from: None,
        began_before: None,
        text: None,
        limit: 50,
        skip: 0,
        count_max: 10_000,
    }
}

fn any(kind: usize, random: &mut Random) -> (usize, String) {
    (kind, value(kind, random.below(KINDS[kind].1)))
}

async fn measure_filters(archive: &SqliteArchive, entries: u64, random: &mut Random) {
    let queries = (0..200).map(|_| Query { below: random.below(entries), ..query(&[]) }).collect();
    measure(archive, "no filter, anywhere", queries).await;
    for (one, (name, _)) in KINDS.iter().enumerate() {
        let queries = (0..200).map(|_| query(&[any(one, random)])).collect();
        measure(archive, name, queries).await;
        let queries = [OLD, NEVER].repeat(25).into_iter().map(|value| query(&[(one, value.to_owned())])).collect();
        measure(archive, &format!("{name}, old or none"), queries).await;
        for (other, (other_name, _)) in KINDS.iter().enumerate().skip(one + 1) {
            let pairs = (0..200).map(|step| {
                let mut pair = [any(one, random), any(other, random)];
                if step % 4 == 0 {
                    pair[step / 4 % 2].1 = [OLD, NEVER][step / 8 % 2].to_owned();
                }
                query(&pair)
            });
            measure(archive, &format!("{name} and {other_name}"), pairs.collect()).await;
        }
    }
    let queries = (0..400).map(|step| {
        let from = 1_700_000_000_000 + random.below(entries * 100) as i64;
        let day = Query { began_from: Some(from), began_before: Some(from + 86_400_000), ..query(&[]) };
        let of = Query { began_from: Some(from), ..query(&[any(2, random)]) };
        if step % 2 == 0 { day } else { Query { below: random.below(entries), skip: 100, ..of } }
    });
    measure(archive, "a day; a customer since, a page within", queries.collect()).await;
    let mut times = Vec::new();
    for step in 0..2_000 {
        let began = Instant::now();
        archive.named(&format!("job:{:012x}-of-none", 1_700_000_000_000_u64 + step * 100_000)).await.unwrap();
        times.push(began.elapsed());
    }
    say("a name that is not there", times);
}

async fn measure_writing(archive: &SqliteArchive, entries: u64, random: &mut Random) {
    let kinds: [(&str, Kind); 2] = [("with random keys and workflows", entry), ("orderly", orderly)];
    for (round, (name, kind)) in (0..).zip(kinds) {
        let (mut times, cpu) = (Vec::new(), writer_cpu());
        for batch in 0..100 {
            times.push(put(archive, entries + 1 + (round * 100 + batch) * 2_000, 2_000, random, kind).await);
        }
        let each = (writer_cpu() - cpu).as_secs_f64() * 1e6 / 200_000.0;
        say(&format!("put of 2,000, {name}"), times);
        println!("processor time of the writer for each entry: {each:.1} µs");
    }
    let (mut removing, mut dropping) = (Vec::new(), Vec::new());
    let cpu = writer_cpu();
    for _ in 0..20 {
        let began = Instant::now();
        let numbers = archive.remove(i64::MAX, 0).await.unwrap();
        removing.push(began.elapsed());
        archive.removed(&numbers).await.unwrap();
        let began = Instant::now();
        let heavy = archive.heaviest_oldest(u64::MAX).await.unwrap();
        archive.dropped(&heavy).await.unwrap();
        dropping.push(began.elapsed());
    }
    say("a piece is removed", removing);
    say("a piece is found and dropped", dropping);
    let each = (writer_cpu() - cpu).as_secs_f64() * 1e6 / (20.0 * 500.0);
    println!("processor time of the writer for each entry dropped and removed: {each:.1} µs");
    archive.cut_back(entries * 4, Place::START).await.unwrap();
}

fn say_size(path: &Path, entries: u64) {
    let file = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT name, sum(pgsize), sum(payload) FROM dbstat WHERE aggregate = TRUE GROUP BY name ORDER BY 2 DESC";
    let mut tables = file.prepare(sql).unwrap();
    let mut tables = tables.query(()).unwrap();
    while let Some(table) = tables.next().unwrap() {
        let (name, bytes): (String, f64) = (table.get(0).unwrap(), table.get::<_, i64>(1).unwrap() as f64);
        println!("{name:<24} {:8.1} MB, {:6.1} bytes for each entry", bytes / 1e6, bytes / entries as f64);
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let path = PathBuf::from(arguments.next().expect("name a file"));
    let entries: u64 = arguments.next().map_or(10_000_000, |count| count.parse().expect("a number of entries"));
    let archive = SqliteArchive::new(&path, None).unwrap();
    let mut random = Random(7);
    let began = Instant::now();
    let mut next = archive.holdings().await.unwrap().entries + 1;
    let (mut last, filled) = (Instant::now(), next);
    while next <= entries {
        put(&archive, next, 5_000, &mut random, entry).await;
        next += 5_000;
        if next % 500_000 == 1 {
            let rate = 500_000.0 / last.elapsed().as_secs_f64();
            println!("{} entries, {rate:.0} a second", next - 1);
            last = Instant::now();
        }
    }
    let each = writer_cpu().as_secs_f64() * 1e6 / (next - filled).max(1) as f64;
    println!("filled in {:.0} s; {each:.1} µs of the writer for each", began.elapsed().as_secs_f64());
    println!("{:?}", archive.holdings().await.unwrap());
    // An earlier run removed the oldest.
    put(&archive, 1, 1_000, &mut random, entry).await;
    measure_filters(&archive, entries, &mut random).await;
    measure_writing(&archive, entries, &mut random).await;
    drop(archive);
    say_size(&path, entries);
}
