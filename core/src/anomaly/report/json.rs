//! results.json: the results as `inspect --json` gives them. In: results. Out: one document.

use super::{Format, Results};
use crate::error::Result;

pub(super) struct Json;

impl Format for Json {
    fn file_name(&self) -> &'static str {
        "results.json"
    }

    fn bytes(&self, results: &Results) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(results).map_err(std::io::Error::other)?)
    }
}
