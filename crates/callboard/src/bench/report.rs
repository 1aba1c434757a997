//! What was measured, as it is told: figures by name, medians over the runs.

use super::measure::Spread;
use super::process::Usage;
use crate::say::say;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// What one run measured, in the order in which it is told. A name ends with its unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures(Vec<(String, f64)>);

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) bench: &'static str,
    version: &'static str,
    /// Kind of the broker's store.
    store: &'static str,
    cores: usize,
    parts: Vec<Part>,
}

/// One thing that was measured several times.
#[derive(Serialize)]
struct Part {
    what: String,
    runs: Vec<Figures>,
    median: Figures,
}

impl Figures {
    pub(super) fn put(&mut self, name: impl Into<String>, figure: f64) {
        self.0.push((name.into(), figure));
    }

    pub(super) fn put_spread(&mut self, name: &str, spread: Spread) {
        self.put(format!("{name}_p50_us"), spread.p50_us);
        self.put(format!("{name}_p99_us"), spread.p99_us);
        self.put(format!("{name}_max_us"), spread.max_us);
    }

    /// What `operations` took in `time`: their rate, and what they cost broker and load.
    pub(super) fn put_cost(
        &mut self,
        what: &str,
        operations: usize,
        time: Duration,
        broker: [Usage; 2],
        load: [Usage; 2],
    ) {
        let each = |total: f64| total / operations.max(1) as f64;
        let cpu_us = |[before, after]: [Usage; 2]| each((after.cpu.saturating_sub(before.cpu)).as_secs_f64() * 1e6);
        let written = broker[1].written_bytes.saturating_sub(broker[0].written_bytes);
        self.put(format!("{what}s_per_s"), operations as f64 / time.as_secs_f64());
        self.put(format!("broker_cpu_us_per_{what}"), cpu_us(broker));
        self.put(format!("load_cpu_us_per_{what}"), cpu_us(load));
        self.put(format!("written_bytes_per_{what}"), each(written as f64));
        self.put("broker_rss_mib", mib(broker[1].rss_bytes));
    }

    pub(super) fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, figure)| *figure)
    }
}

pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, figure)| (name, (figure * 1e3).round() / 1e3)))
    }
}

impl Report {
    pub(super) fn new(bench: &'static str) -> Report {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Report { bench, version: env!("CARGO_PKG_VERSION"), store: "sqlite", cores, parts: Vec::new() }
    }

    pub(super) fn add(&mut self, what: impl Into<String>, runs: Vec<Figures>) {
        let median = median(&runs);
        self.parts.push(Part { what: what.into(), runs, median });
    }

    /// Prints it, for people or as JSON.
    pub(super) fn tell(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return Ok(say(&serde_json::to_string_pretty(self)?)?);
        }
        self.tell_head()?;
        for part in &self.parts {
            say(&format!("\n{}; median of {} (least … most)", part.what, part.runs.len()))?;
            for (name, median) in &part.median.0 {
                let all = part.runs.iter().filter_map(|run| run.get(name));
                let (least, most) =
                    all.fold((f64::MAX, f64::MIN), |(least, most), one| (least.min(one), most.max(one)));
                say(&format!("  {name:<32} {:>12}   ({} … {})", shown(*median), shown(least), shown(most)))?;
            }
        }
        Ok(())
    }

    /// Where all parts have the same few figures: a line for each part.
    pub(super) fn tell_in_columns(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return self.tell(json);
        }
        self.tell_head()?;
        let Some(first) = self.parts.first() else { return Ok(()) };
        let names = first.median.0.iter().map(|(name, _)| format!("{name:>12}"));
        say(&format!("{:<28}{}", "", names.collect::<String>()))?;
        for part in &self.parts {
            let figures = part.median.0.iter().map(|(_, figure)| format!("{:>12}", shown(*figure)));
            say(&format!("{:<28}{}", part.what, figures.collect::<String>()))?;
        }
        Ok(())
    }

    /// The part whose median of this figure is the largest.
    pub(super) fn most(&self, figure: &str) -> Option<(&str, f64)> {
        let all = self.parts.iter().filter_map(|part| Some((part.what.as_str(), part.median.get(figure)?)));
        all.max_by(|one, other| one.1.total_cmp(&other.1))
    }

    fn tell_head(&self) -> std::io::Result<()> {
        say(&format!("callboard {}, {} store, {} cores", self.version, self.store, self.cores))
    }
}

/// The median of each figure over the runs that have it.
fn median(runs: &[Figures]) -> Figures {
    let names = runs.first().map(|run| &run.0[..]).unwrap_or_default().iter().map(|(name, _)| name);
    let of = |name: &String| {
        let mut all: Vec<f64> = runs.iter().filter_map(|run| run.get(name)).collect();
        all.sort_by(f64::total_cmp);
        (name.clone(), all.get(all.len() / 2).copied().unwrap_or_default())
    };
    Figures(names.map(of).collect())
}

/// Three digits that count, and thousands apart.
fn shown(figure: f64) -> String {
    if figure.abs() < 10.0 {
        return format!("{figure:.2}");
    }
    if figure.abs() < 100.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        let is_thousand = (digits.len() - at).is_multiple_of(3) && text.chars().any(|one| one.is_ascii_digit());
        if is_thousand {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(figure: f64) -> Figures {
        let mut figures = Figures::default();
        figures.put("x_us", figure);
        figures
    }

    #[test]
    fn the_median_is_the_middle_one_whatever_the_order() {
        let runs = [9.0, 1.0, 5.0, 100.0, 4.0].map(run);
        assert_eq!(median(&runs), run(5.0));
        assert_eq!(median(&[run(3.0)]), run(3.0));
    }

    #[test]
    fn the_slowest_part_is_found() {
        let mut report = Report::new("x");
        for (what, figure) in [("a", 1.0), ("b", 3.0), ("c", 2.0)] {
            report.add(what, vec![run(figure)]);
        }
        assert_eq!((report.most("x_us"), report.most("y_us")), (Some(("b", 3.0)), None));
    }

    #[test]
    fn figures_are_shown_as_people_read_them() {
        let all = [0.123, 9.994, 12.34, 123.4, 1234.5, 1_234_567.0, -4321.0].map(shown);
        assert_eq!(all, ["0.12", "9.99", "12.3", "123", "1,234", "1,234,567", "-4,321"]);
    }

    #[test]
    fn cost_is_counted_per_operation() {
        let usage = |ms, written_bytes| Usage {
            cpu: Duration::from_millis(ms),
            rss_bytes: 3 << 20,
            peak_rss_bytes: 0,
            written_bytes,
        };
        let mut figures = Figures::default();
        let (broker, load) = ([usage(100, 50), usage(300, 2_050)], [usage(0, 0), usage(50, 0)]);
        figures.put_cost("job", 1_000, Duration::from_millis(500), broker, load);
        let all =
            ["jobs_per_s", "broker_cpu_us_per_job", "load_cpu_us_per_job", "written_bytes_per_job", "broker_rss_mib"];
        assert_eq!(all.map(|name| figures.get(name).unwrap()), [2_000.0, 200.0, 50.0, 2.0, 3.0]);
    }
}
