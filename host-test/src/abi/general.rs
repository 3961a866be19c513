//! Logging, time, properties, shared data and metrics.

use super::guest::Guest;
use crate::log::LogLevel;
use crate::property;
use crate::state::Action;
use crate::status::{Outcome, Status};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) fn log(guest: &mut Guest<'_>, level: u32, text: u32, size: u32) -> Outcome {
    let level = LogLevel::from_abi(level).ok_or(Status::BadArgument)?;
    let message = guest.text(text, size)?;
    guest.state_mut().log(level, message);
    Ok(())
}

pub(super) fn log_level(guest: &mut Guest<'_>, level: u32) -> Outcome {
    let current = guest.state().shared.logs.level() as u32;
    Ok(guest.write_u32(level, current)?)
}

/// Nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn current_time(guest: &mut Guest<'_>, time: u32) -> Outcome {
    Ok(guest.write_u64(time, now())?)
}

pub(super) fn set_tick_period(guest: &mut Guest<'_>, period: u32) -> Outcome {
    let period = Duration::from_millis(period.into());
    guest.state_mut().actions.push(Action::Tick(period));
    Ok(())
}

pub(super) fn property(
    guest: &mut Guest<'_>,
    path: u32,
    path_size: u32,
    value: u32,
    value_size: u32,
) -> Outcome {
    let path = guest.copy(path, path_size)?;
    let found = property::read(guest.state(), &path).ok_or(Status::NotFound)?;
    guest.give(&found, value, value_size)
}

pub(super) fn set_property(
    guest: &mut Guest<'_>,
    path: u32,
    path_size: u32,
    value: u32,
    value_size: u32,
) -> Outcome {
    let (path, value) = (guest.copy(path, path_size)?, guest.copy(value, value_size)?);
    let stream = guest.state_mut().stream_mut().ok_or(Status::NotFound)?;
    stream.properties.insert(path, value);
    Ok(())
}

pub(super) fn shared_data(
    guest: &mut Guest<'_>,
    key: u32,
    key_size: u32,
    value: u32,
    value_size: u32,
    cas: u32,
) -> Outcome {
    let (stored, number) = {
        let key = guest.bytes(key, key_size)?;
        guest.state().shared.data.get(key)?
    };
    guest.give(&stored, value, value_size)?;
    Ok(guest.write_u32(cas, number)?)
}

pub(super) fn set_shared_data(
    guest: &mut Guest<'_>,
    key: u32,
    key_size: u32,
    value: u32,
    value_size: u32,
    cas: u32,
) -> Outcome {
    let (key, value) = (guest.bytes(key, key_size)?, guest.bytes(value, value_size)?);
    Ok(guest.state().shared.data.set(key, value, cas)?)
}

pub(super) fn define_metric(
    guest: &mut Guest<'_>,
    kind: u32,
    name: u32,
    name_size: u32,
    id: u32,
) -> Outcome {
    let name = guest.text(name, name_size)?;
    let state = guest.state_mut();
    let defined = state.metrics.define(&state.shared.stats, kind, name)?;
    Ok(guest.write_u32(id, defined)?)
}

pub(super) fn increment_metric(guest: &mut Guest<'_>, id: u32, offset: i64) -> Outcome {
    Ok(guest.state().metrics.increment(id, offset)?)
}

pub(super) fn record_metric(guest: &mut Guest<'_>, id: u32, value: u64) -> Outcome {
    Ok(guest.state().metrics.record(id, value)?)
}

pub(super) fn metric(guest: &mut Guest<'_>, id: u32, value: u32) -> Outcome {
    let current = guest.state().metrics.read(id)?;
    Ok(guest.write_u64(value, current)?)
}
