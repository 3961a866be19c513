//! Counters, gauges and histograms: one value per name for the host, ids per VM.

use crate::status::Status;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// The current value of one metric that the plugin defined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetricValue {
    /// Only ever grows.
    Counter(u64),
    /// The last value set.
    Gauge(u64),
    /// Envoy keeps the distribution; here its count and sum are enough for a mean.
    Histogram {
        /// Number of recorded values.
        count: u64,
        /// Sum of recorded values, in the plugin's unit.
        sum: u64,
    },
}

/// A metric by the name that the plugin gave it (Envoy shows it as `wasmcustom.<name>`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metric {
    /// Name as defined by the plugin.
    pub name: String,
    /// Value over all workers.
    pub value: MetricValue,
}

/// `proxy_metric_type_t`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

#[derive(Debug)]
struct Stat {
    kind: Kind,
    value: AtomicU64,
    count: AtomicU64,
}

/// All stats of the host, shared by the workers.
#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<BTreeMap<(String, Kind), Arc<Stat>>>);

impl Stats {
    /// Everything defined so far, by name.
    pub(crate) fn snapshot(&self) -> Vec<Metric> {
        let stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |stat: &Stat| match stat.kind {
            Kind::Counter => MetricValue::Counter(stat.value.load(Relaxed)),
            Kind::Gauge => MetricValue::Gauge(stat.value.load(Relaxed)),
            Kind::Histogram => MetricValue::Histogram {
                count: stat.count.load(Relaxed),
                sum: stat.value.load(Relaxed),
            },
        };
        stats
            .iter()
            .map(|((name, _), stat)| Metric {
                name: name.clone(),
                value: read(stat),
            })
            .collect()
    }

    fn named(&self, name: String, kind: Kind) -> Arc<Stat> {
        let mut stats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            Arc::new(Stat {
                kind,
                value: AtomicU64::new(0),
                count: AtomicU64::new(0),
            })
        };
        Arc::clone(stats.entry((name, kind)).or_insert_with(fresh))
    }
}

/// The metric ids of one VM: steps of four, the low two bits say the kind.
#[derive(Debug)]
pub(crate) struct MetricIds {
    by_id: HashMap<u32, Arc<Stat>>,
    last: [u32; 3],
}

impl Default for MetricIds {
    fn default() -> Self {
        Self {
            by_id: HashMap::new(),
            last: [0, 1, 2],
        }
    }
}

impl MetricIds {
    /// A new id for a metric; the same name again gives another id of the same stat.
    pub(crate) fn define(&mut self, stats: &Stats, kind: u32, name: String) -> Result<u32, Status> {
        let kind = match kind {
            0 => Kind::Counter,
            1 => Kind::Gauge,
            2 => Kind::Histogram,
            _ => return Err(Status::BadArgument),
        };
        let last = self
            .last
            .get_mut(kind as usize)
            .ok_or(Status::BadArgument)?;
        *last = last.wrapping_add(4);
        self.by_id.insert(*last, stats.named(name, kind));
        Ok(*last)
    }

    /// Adds to a counter (positive only) or a gauge.
    pub(crate) fn increment(&self, id: u32, offset: i64) -> Result<(), Status> {
        if id & 3 > 1 {
            return Err(Status::BadArgument);
        }
        let stat = self.by_id.get(&id).ok_or(Status::NotFound)?;
        if stat.kind == Kind::Counter && offset <= 0 {
            return Err(Status::BadArgument);
        }
        // Two's complement: adding the bits of a negative offset subtracts, as on Envoy's gauges.
        stat.value.fetch_add(offset.cast_unsigned(), Relaxed);
        Ok(())
    }

    /// Adds to a counter, sets a gauge, records in a histogram.
    pub(crate) fn record(&self, id: u32, value: u64) -> Result<(), Status> {
        let stat = self.by_id.get(&id).ok_or(Status::NotFound)?;
        match stat.kind {
            Kind::Gauge => stat.value.store(value, Relaxed),
            Kind::Counter | Kind::Histogram => {
                stat.value.fetch_add(value, Relaxed);
                stat.count.fetch_add(1, Relaxed);
            }
        }
        Ok(())
    }

    /// The value of a counter or gauge; histograms cannot be read.
    pub(crate) fn read(&self, id: u32) -> Result<u64, Status> {
        if id & 3 > 1 {
            return Err(Status::BadArgument);
        }
        let stat = self.by_id.get(&id).ok_or(Status::NotFound)?;
        Ok(stat.value.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_step_by_four_and_carry_the_kind() {
        let (stats, mut ids) = (Stats::default(), MetricIds::default());
        let mut define = |kind, name: &str| ids.define(&stats, kind, name.to_owned());
        assert_eq!(define(0, "a"), Ok(4));
        assert_eq!(define(0, "b"), Ok(8));
        assert_eq!(define(1, "g"), Ok(5));
        assert_eq!(define(2, "h"), Ok(6));
        assert_eq!(define(3, "x"), Err(Status::BadArgument));
    }

    #[test]
    fn one_name_defined_twice_is_one_stat() {
        let (stats, mut ids) = (Stats::default(), MetricIds::default());
        let first = ids.define(&stats, 0, "n".to_owned()).unwrap();
        let second = ids.define(&stats, 0, "n".to_owned()).unwrap();
        ids.increment(first, 2).unwrap();
        assert_ne!(first, second);
        assert_eq!(ids.read(second), Ok(2));
        let value = MetricValue::Counter(2);
        assert_eq!(
            stats.snapshot(),
            [Metric {
                name: "n".to_owned(),
                value
            }]
        );
    }

    #[test]
    fn counters_only_grow_and_histograms_cannot_be_read() {
        let (stats, mut ids) = (Stats::default(), MetricIds::default());
        let counter = ids.define(&stats, 0, "c".to_owned()).unwrap();
        let gauge = ids.define(&stats, 1, "g".to_owned()).unwrap();
        let histogram = ids.define(&stats, 2, "h".to_owned()).unwrap();
        assert_eq!(ids.increment(counter, 0), Err(Status::BadArgument));
        ids.record(gauge, 5).unwrap();
        ids.increment(gauge, -2).unwrap();
        assert_eq!(ids.read(gauge), Ok(3));
        ids.record(histogram, 7).unwrap();
        assert_eq!(ids.read(histogram), Err(Status::BadArgument));
        assert_eq!(ids.increment(12, 1), Err(Status::NotFound));
    }
}
