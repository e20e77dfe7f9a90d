//! The keys of a preprocessing file. In: JSON. Out: numbers, or an error that names the key and the file. Must never fill
//! a number in.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};

/// No model looks at more; a configuration that says so is damaged.
const MAX_SIDE: u32 = 4096;

/// The keys of one preprocessing file.
pub(super) struct Keys<'a> {
    pub config: &'a Value,
    pub path: &'a Path,
}

impl Keys<'_> {
    pub fn has(&self, key: &str) -> bool {
        self.config.get(key).is_some_and(|value| !value.is_null())
    }

    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.config.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.config.get(key).and_then(Value::as_str)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.config.get(key).and_then(Value::as_f64)
    }

    pub fn list(&self, key: &str) -> Vec<f64> {
        let items = self.config.get(key).and_then(Value::as_array);
        items.map(|items| items.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
    }

    /// Three numbers, none of which is infinite or, as divisors are among them, not a number.
    pub fn channels(&self, key: &str) -> Result<[f64; 3]> {
        let found: Option<[f64; 3]> = self.list(key).try_into().ok();
        let wanted = || self.wrong(key, "three numbers are wanted");
        let channels = found.ok_or_else(wanted)?;
        let is_divisor = key.ends_with("std");
        if channels.iter().any(|value| !value.is_finite() || (is_divisor && *value <= 0.0)) {
            return Err(wanted());
        }
        Ok(channels)
    }

    /// The length that only the shorter side gets: a plain number in files of 2021, else `shortest_edge`.
    pub fn edge(&self, key: &str) -> Option<u32> {
        let size = self.config.get(key)?;
        let squashes = self.text("image_processor_type").is_some_and(|kind| kind.starts_with("Siglip"));
        let edge = size.get("shortest_edge").or(if squashes { None } else { Some(size) })?;
        edge.as_u64().map(|edge| edge.min(u64::from(u32::MAX)) as u32)
    }

    /// Width and height: one number, a list of height and width, or an object with both.
    pub fn sides(&self, key: &str) -> Result<(u32, u32)> {
        let size = self.config.get(key).ok_or_else(|| self.wrong(key, "it is missing"))?;
        let part = |name: &str| size.get(name).or_else(|| size.get("shortest_edge")).and_then(Value::as_f64);
        let sides = match (size.as_f64(), self.list(key).as_slice()) {
            (Some(side), _) => Some((side, side)),
            (None, &[height, width]) => Some((width, height)),
            _ => part("width").zip(part("height")),
        };
        let (width, height) = sides.ok_or_else(|| self.wrong(key, "height and width are wanted"))?;
        Ok((self.side(key, width)?, self.side(key, height)?))
    }

    pub fn side(&self, key: &str, side: f64) -> Result<u32> {
        let is_possible = side >= 1.0 && side <= f64::from(MAX_SIDE) && side.fract() == 0.0;
        if is_possible { Ok(side as u32) } else { Err(self.wrong(key, format!("{side} pixels are impossible"))) }
    }

    pub fn bounded(&self, key: &str, side: u32) -> Result<u32> {
        self.side(key, f64::from(side))
    }

    pub fn wrong(&self, key: &str, why: impl std::fmt::Display) -> Error {
        let remedy = "download the model again, with all its files";
        Error::bad_file(self.path, format!("the preprocessing cannot be read: {key:?}: {why}"), remedy)
    }
}
