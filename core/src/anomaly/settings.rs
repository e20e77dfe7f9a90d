//! How parts are looked at and judged: all that a product fixes beside its references. In: nothing. Out: plain numbers
//! with their units and limits. Knows no picture.

use serde::{Deserialize, Serialize};

use super::methods::{Method, method};
use super::roi::Roi;
use super::tiling::Tiling;
use crate::error::{Error, Result};

/// How parts are looked at and judged. [`Settings::default`] is the one setting for all products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A name of [`METHODS`](super::METHODS).
    pub method: String,
    /// What the parts are, in a word of English: only `zero-shot` asks.
    pub object: String,
    /// Prompts that were learnt in place of words (AnomalyCLIP's checkpoint): only `zero-shot` asks.
    pub prompts: Option<std::path::PathBuf>,
    /// The longer side, in pixels, that a picture or a tile of it is looked at with.
    pub size: usize,
    /// More ways to look, which have an equal say in every part's score; maps and regions stay those of the first.
    pub combined: Vec<Look>,
    /// Layers of the tower that are compared, from 0; empty: those that the method chooses.
    pub layers: Vec<usize>,
    /// Features are averaged over so many places a side: 1 (not at all), 3 or 5.
    pub neighbourhood: usize,
    /// Whether references are learnt in eight rotations as well.
    pub turns: bool,
    /// For parts that always lie alike: how many places away, in both directions, a like patch may be. Only `patch-knn` asks.
    pub position_window: Option<usize>,
    /// Whether what lies round the part is left out, by the first principal component of its features.
    pub hides_background: bool,
    /// Most bytes of features that are kept; more are thinned out to a coreset.
    pub bank_bytes: usize,
    /// Standard deviation of the smoothing, in pixels of the original picture; `None`: a third of a patch's side.
    pub sigma_px: Option<f32>,
    /// The part's score is the mean of this share of its patches, the worst ones.
    pub worst_share: f32,
    /// Whether the rim of the picture counts less for the part where it varies more among good parts than what is inside.
    pub calms_rim: bool,
    /// Whether the parts of the folder that look most like a part have a say in its score: only `mutual` asks.
    pub rescoring: bool,
    /// The rate of good parts that may go to review.
    pub review_rate: f64,
    /// The rate of good parts that may fail.
    pub fail_rate: f64,
    /// Pixels of the original picture in a millimetre, where that is known.
    pub px_per_mm: Option<f64>,
    /// Smaller regions are left out.
    pub min_area: Area,
    /// What of the picture counts.
    pub roi: Roi,
    /// How large pictures are cut.
    pub tiling: Option<Tiling>,
}

/// Another method, or the same one at another size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// A name of [`METHODS`](super::METHODS).
    pub method: String,
    /// As [`Settings::size`].
    pub size: usize,
}

/// An area on the part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// In pixels of the original picture.
    Px(f64),
    /// In square millimetres; needs [`Settings::px_per_mm`].
    Mm2(f64),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: "mahalanobis".into(),
            object: "object".into(),
            prompts: None,
            size: 448,
            combined: Vec::new(),
            layers: Vec::new(),
            neighbourhood: 1,
            turns: false,
            position_window: None,
            hides_background: false,
            bank_bytes: 64 << 20,
            sigma_px: None,
            worst_share: 0.003,
            calms_rim: true,
            rescoring: true,
            review_rate: 0.05,
            fail_rate: 0.01,
            px_per_mm: None,
            min_area: Area::Px(16.0),
            roi: Roi::default(),
            tiling: None,
        }
    }
}

impl Settings {
    /// The method that is meant.
    ///
    /// # Errors
    /// A name that [`METHODS`](super::METHODS) does not have.
    pub fn method(&self) -> Result<&'static dyn Method> {
        method(&self.method)
    }

    /// The settings of every other way to look.
    pub fn others(&self) -> Vec<Self> {
        let other = |look: &Look| {
            let Look { method, size } = look.clone();
            // The window is that of the method that was named first.
            let position_window = self.position_window.filter(|_| method == self.method);
            Self { method, size, position_window, combined: Vec::new(), ..self.clone() }
        };
        self.combined.iter().map(other).collect()
    }

    /// Refuses numbers that make no sense: a product's file may have been written by anyone.
    ///
    /// # Errors
    /// Names the number.
    pub fn check(&self) -> Result<()> {
        self.method()?;
        self.others().iter().try_for_each(Self::check)?;
        let is_rate = |rate: f64| rate > 0.0 && rate < 1.0;
        let is_area = match self.min_area {
            Area::Px(area) | Area::Mm2(area) => area.is_finite() && area >= 0.0,
        };
        let wrong = [
            ("size", !(16..=4096).contains(&self.size), "give 16 to 4096 pixels"),
            ("neighbourhood", ![1, 3, 5].contains(&self.neighbourhood), "give 1, 3 or 5"),
            ("worst_share", !(self.worst_share > 0.0 && self.worst_share <= 1.0), "give more than 0, at most 1"),
            ("sigma_px", !self.sigma_px.is_none_or(|sigma| (0.0..=256.0).contains(&sigma)), "give 0 to 256 pixels"),
            ("review_rate", !is_rate(self.review_rate), "give a rate between 0 and 1"),
            ("fail_rate", !is_rate(self.fail_rate), "give a rate between 0 and 1"),
            ("px_per_mm", !self.px_per_mm.is_none_or(|px| px.is_finite() && px > 0.0), "give more than 0"),
            ("min_area", !is_area, "give 0 or more"),
        ];
        match wrong.iter().find(|(_, is_wrong, _)| *is_wrong) {
            Some((name, _, remedy)) => Err(Error::bad_request(format!("{name} is out of range"), *remedy)),
            None => {
                self.min_area_px()?;
                self.roi.check()?;
                self.tiling.map_or(Ok(()), |tiling| tiling.check())
            }
        }
    }

    /// Refuses what the method would pass over, of settings that a person has just given: a product may hold such from a
    /// time when nobody asked.
    ///
    /// # Errors
    /// Names it.
    pub fn check_use(&self) -> Result<()> {
        if self.position_window.is_none() || self.method()?.knows_positions() {
            return Ok(());
        }
        let what = format!("position_window means nothing to the method {:?}", self.method);
        Err(Error::bad_request(what, "add \"method\": \"patch-knn\", or leave the window out"))
    }

    /// The smallest region in pixels of the original picture.
    ///
    /// # Errors
    /// Square millimetres without a scale.
    pub fn min_area_px(&self) -> Result<f64> {
        match (self.min_area, self.px_per_mm) {
            (Area::Px(area), _) => Ok(area),
            (Area::Mm2(area), Some(px_per_mm)) => Ok(area * px_per_mm * px_per_mm),
            (Area::Mm2(_), None) => Err(Error::bad_request(
                "an area in mm² needs the scale of the pictures",
                "say how many pixels a millimetre has, or give the area in pixels",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_window_is_refused_where_the_method_knows_no_positions() {
        let with =
            |method: &str| Settings { method: method.to_owned(), position_window: Some(3), ..Settings::default() };
        assert!(with("patch-knn").check_use().is_ok());
        assert!(with("mahalanobis").check_use().unwrap_err().to_string().contains("position_window"));
        assert!(Settings { position_window: None, ..with("mahalanobis") }.check_use().is_ok());
        assert!(with("no such method").check_use().is_err());
    }
}
