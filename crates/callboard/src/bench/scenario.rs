//! A fleet and its queue, the same at every run: half of the waiting jobs find a worker, half
//! find none and are spread over many sets of requirements.

use serde_json::{Value, json};

#[derive(Clone, Copy)]
pub(super) struct Scenario {
    /// Sets of requirements that no worker meets.
    pub(super) sets: usize,
    pub(super) customers: usize,
    pub(super) profiles: usize,
    pub(super) workers: usize,
}

/// Sets of requirements that find workers.
const MATCHED_SETS: usize = 64;
pub(super) const WORKERS_PER_MACHINE: usize = 10;

impl Scenario {
    /// Job `n`: an even one finds a worker, an odd one does not.
    pub(super) fn job(self, n: usize) -> Value {
        let half = n / 2;
        let requirements = match n.is_multiple_of(2) {
            true => {
                let set = half % MATCHED_SETS;
                json!({"hardware": {"gpu_memory_gb": 4 + set % 8, "cpu_cores": 1 + set / 8}})
            }
            false => json!({"hardware": {"gpu_memory_gb": 8}, "absent": {format!("f{}", half % self.sets): true}}),
        };
        json!({
            "job_id": job_id(n),
            "service_required": "render",
            "payload": {"n": n},
            "priority": spread(n) % 100,
            "customer_id": format!("customer-{}", spread(n / 3) % self.customers),
            "requirements": requirements,
        })
    }

    /// Worker `n`, of its profile: every tenth profile serves few customers, every tenth
    /// refuses some.
    pub(super) fn worker(self, n: usize) -> Value {
        self.worker_of(n, n % self.profiles, "of")
    }

    /// A worker of a profile that nobody has.
    pub(super) fn newcomer(self, n: usize) -> Value {
        self.worker_of(n, n % self.profiles, "newcomer")
    }

    fn worker_of(self, n: usize, profile: usize, kind: &str) -> Value {
        let names = |count: usize| -> Vec<String> {
            (0..count).map(|k| format!("customer-{}", spread(profile * 31 + k) % self.customers)).collect()
        };
        let access = match profile % 10 {
            3 => json!({"allowed_customers": names(self.customers.div_ceil(4).min(200))}),
            7 => json!({"denied_customers": names(self.customers.div_ceil(4).min(20))}),
            _ => json!({}),
        };
        let rack = if kind == "newcomer" { format!("{kind}-{n}") } else { format!("{kind}-{profile}") };
        json!({
            "machine_id": machine_id(n),
            "services": ["render", "upscale"],
            "capabilities": {
                "hardware": {"gpu_memory_gb": 16 + profile % 5 * 8, "gpu_count": 1, "cpu_cores": 8 + profile % 3},
                "models": {"render": ["base", "refiner"]},
                "customer_access": access,
                "custom": {"rack": rack},
            },
        })
    }
}

pub(super) fn job_id(n: usize) -> String {
    format!("job-{n}")
}

pub(super) fn worker_id(n: usize) -> String {
    format!("worker-{n}")
}

pub(super) fn machine_id(n: usize) -> String {
    format!("machine-{}", n / WORKERS_PER_MACHINE)
}

/// Whether some worker can run the job of this id.
pub(super) fn finds_a_worker(id: &str) -> bool {
    let number = id.strip_prefix("job-").and_then(|number| number.parse::<usize>().ok());
    number.is_some_and(|number| number.is_multiple_of(2))
}

/// A number without a pattern, made of another (the finaliser of `SplitMix64`).
pub(super) fn spread(n: usize) -> usize {
    let mut x = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) as usize
}
