//! The distance of every patch to the nearest patch of the good parts. In: joined unit features. Out: 1 − cosine a
//! patch. After AnomalyDINO (Damm et al. 2025, section 3) and PatchCore (Roth et al. 2022).

use super::{Memory, Method};
use crate::anomaly::memory_bank::{Allowed, MemoryBank, Nearest, Origin};
use crate::anomaly::patches::Patches;
use crate::anomaly::settings::Settings;
use crate::error::{Error, Result};
use crate::models::Encoder;

/// Nearest neighbours.
pub(super) struct PatchKnn;

impl Method for PatchKnn {
    fn name(&self) -> &'static str {
        "patch-knn"
    }

    fn summary(&self) -> &'static str {
        "how far each patch is from the nearest patch of the good parts"
    }

    fn knows_positions(&self) -> bool {
        true
    }

    fn learn(&self, _: &dyn Encoder, parts: &[Patches], settings: &Settings) -> Result<Box<dyn Memory>> {
        let bank = MemoryBank::new(parts)?.within(settings.bank_bytes)?;
        Ok(Box::new(Neighbours { bank, window: settings.position_window }))
    }
}

struct Neighbours {
    bank: MemoryBank,
    window: Option<usize>,
}

impl Neighbours {
    fn nearest(&self, patches: &Patches, left_out: Option<usize>) -> Result<Vec<Option<Nearest>>> {
        self.bank.nearest(patches, Allowed { left_out, window: self.window })
    }
}

impl Memory for Neighbours {
    fn scores(&self, patches: &Patches, left_out: Option<usize>) -> Result<Vec<f32>> {
        let nearest = self.nearest(patches, left_out)?;
        // Only with a window can a place have no neighbour while others have: the part is larger than the references.
        if nearest.iter().all(Option::is_none) {
            return Err(nothing_left());
        }
        Ok(nearest.into_iter().map(|nearest| nearest.map_or(FARTHEST, |nearest| nearest.distance)).collect())
    }

    fn compared_with(&self, patches: &Patches) -> Result<Vec<Option<Origin>>> {
        let nearest = self.nearest(patches, None)?;
        Ok(nearest.into_iter().map(|nearest| nearest.map(|nearest| self.bank.origin(nearest.row))).collect())
    }

    fn features(&self) -> usize {
        self.bank.len()
    }
}

/// The distance of features that have nothing in common.
const FARTHEST: f32 = 1.0;

pub(super) fn nothing_left() -> Error {
    Error::bad_request("there is no other good part to compare with", "give at least two pictures of good parts")
}
