//! How fast is a model on this machine? In: its id. Out: photos a second, which the library remembers until it is measured
//! again. Pictures are drawn here: decoding is not in the figure.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};

use super::model::checkpoint;
use crate::error::Result;
use crate::jobs::Ticker;
use crate::models::{self, Encoder};

/// The file in the library's folder that remembers speeds: photos a second by id.
const SPEEDS: &str = "speeds.json";
/// Long enough for a figure of two digits.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// Loads a model and measures how many photos a second it embeds, as many at once as suits it.
///
/// # Errors
/// A model that cannot be loaded, a library that cannot be written to, [`crate::Error::Cancelled`].
pub fn measure_speed(library: &Path, id: &str, ticker: &Ticker) -> Result<f64> {
    ticker.phase("Loading the model");
    let encoder = models::load(&checkpoint(id, library)?)?;
    ticker.phase("Measuring the speed");
    let speed = photos_a_second(&*encoder, LONG_ENOUGH, ticker)?;
    let mut known = speeds(library);
    known.insert(id.to_owned(), speed);
    let text = serde_json::to_string_pretty(&known).map_err(std::io::Error::other)?;
    let beside = library.join("speeds.json.part");
    fs_err::write(&beside, text)?;
    fs_err::rename(&beside, library.join(SPEEDS))?;
    Ok(speed)
}

/// Photos a second by id, as measured; none of a file that is missing or damaged: they can be measured again.
pub(super) fn speeds(library: &Path) -> BTreeMap<String, f64> {
    let text = fs_err::read_to_string(library.join(SPEEDS)).unwrap_or_default();
    let mut speeds: BTreeMap<String, f64> = serde_json::from_str(&text).unwrap_or_default();
    speeds.retain(|_, speed| speed.is_finite() && *speed > 0.0);
    speeds
}

fn photos_a_second(encoder: &dyn Encoder, long_enough: Duration, ticker: &Ticker) -> Result<f64> {
    let drawn = RgbImage::from_fn(320, 240, |x, y| Rgb([(x * y / 300) as u8, (x / 2) as u8, y as u8]));
    let batch = vec![encoder.prepare(&drawn)?; encoder.batch_size()];
    // The first batch warms caches and threads up.
    encoder.embed_pictures(&batch)?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < long_enough || count == 0 {
        encoder.embed_pictures(&batch)?;
        count += batch.len();
        ticker.tick(batch.len())?;
    }
    // Two digits after the point: more would be noise, and would not come back from JSON as they went.
    Ok((100.0 * count as f64 / started.elapsed().as_secs_f64()).round().max(1.0) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_speed_is_remembered_and_a_damaged_file_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let speed = measure_speed(folder.path(), models::STARTER, &Ticker::silent()).unwrap();
        assert!(speed > 0.0);
        assert_eq!(speeds(folder.path()), BTreeMap::from([(models::STARTER.to_owned(), speed)]));
        fs_err::write(folder.path().join(SPEEDS), r#"{"a": -1.0, "b": 7.5}"#).unwrap();
        assert_eq!(speeds(folder.path()), BTreeMap::from([("b".to_owned(), 7.5)]));
        fs_err::write(folder.path().join(SPEEDS), "{").unwrap();
        assert!(speeds(folder.path()).is_empty());
    }

    #[test]
    fn it_can_be_stopped() {
        let ticker = Ticker::silent();
        ticker.cancel();
        let folder = tempfile::tempdir().unwrap();
        assert!(measure_speed(folder.path(), models::STARTER, &ticker).is_err());
        assert!(speeds(folder.path()).is_empty());
    }
}
