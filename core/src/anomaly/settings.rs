//! How parts are looked at and judged: all that a product fixes beside its references. In: nothing. Out: plain numbers
//! with their units and limits. Knows no picture.

use serde::{Deserialize, Deserializer, Serialize};

use super::methods::{Method, method};
use super::roi::Roi;
use super::tiling::Tiling;
use crate::error::{Error, Result};

/// The longer side, in pixels, that a method looks at where it does not say otherwise.
pub(super) const USUAL_SIZES: &[usize] = &[448];
/// Every look is another memory and another pass of the model.
const MOST_LOOKS: usize = 8;

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
    /// The longer sides, in pixels, that a picture or a tile of it is looked at with, one look each; all have an equal say in
    /// scores and maps, which are as fine as the first. Empty: those that the method chooses.
    #[serde(alias = "size", deserialize_with = "one_or_more")]
    pub sizes: Vec<usize>,
    /// More ways to look, which have the same say.
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
    /// The longer side, in pixels, that it looks at.
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

/// Products that were made before there was more than one look hold one number.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Sizes {
        One(usize),
        More(Vec<usize>),
    }
    Ok(match Sizes::deserialize(deserializer)? {
        Sizes::One(size) => vec![size],
        Sizes::More(sizes) => sizes,
    })
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: "mahalanobis".into(),
            object: "object".into(),
            prompts: None,
            sizes: Vec::new(),
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

    /// The longer sides that a picture is looked at with, in pixels: those that were named, or the method's own.
    pub fn sizes(&self) -> &[usize] {
        let own = || self.method().map_or(USUAL_SIZES, |method| method.sizes());
        if self.sizes.is_empty() { own() } else { &self.sizes }
    }

    /// The longer side of the first look, in pixels.
    pub fn size(&self) -> usize {
        self.sizes().first().copied().unwrap_or(USUAL_SIZES[0])
    }

    /// The same with the sizes that the method chose, so that they stay as they are when another version chooses others.
    pub fn with_sizes(self) -> Self {
        Self { sizes: self.sizes().to_vec(), ..self }
    }

    /// The settings of every look after the first.
    pub fn others(&self) -> Vec<Self> {
        let at = |method: &str, size: usize| {
            // The window is that of the method that was named first.
            let position_window = self.position_window.filter(|_| method == self.method);
            let (method, sizes, combined) = (method.to_owned(), vec![size], Vec::new());
            Self { method, sizes, position_window, combined, ..self.clone() }
        };
        let same = self.sizes().iter().skip(1).map(|size| at(&self.method, *size));
        same.chain(self.combined.iter().map(|look| at(&look.method, look.size))).collect()
    }

    /// Refuses numbers that make no sense: a product's file may have been written by anyone.
    ///
    /// # Errors
    /// Names the number.
    pub fn check(&self) -> Result<()> {
        self.method()?;
        let looks = self.sizes().len() + self.combined.len();
        if looks <= MOST_LOOKS {
            self.others().iter().try_for_each(Self::check)?;
        }
        let is_rate = |rate: f64| rate > 0.0 && rate < 1.0;
        let is_area = match self.min_area {
            Area::Px(area) | Area::Mm2(area) => area.is_finite() && area >= 0.0,
        };
        let wrong = [
            ("the number of looks", looks > MOST_LOOKS, "name at most 8 sizes and combined methods"),
            ("size", !(16..=4096).contains(&self.size()), "give 16 to 4096 pixels"),
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
    fn a_method_chooses_its_sizes_until_some_are_named() {
        let sizes = |json: &str| serde_json::from_str::<Settings>(json).unwrap().sizes().to_vec();
        assert_eq!(sizes("{}"), [640, 296]);
        assert_eq!(sizes(r#"{"method": "patch-knn"}"#), [448]);
        assert_eq!(sizes(r#"{"size": 448}"#), [448], "as products hold it that know one look");
        assert_eq!(sizes(r#"{"sizes": [300, 200]}"#), [300, 200]);
        assert_eq!(Settings::default().with_sizes().sizes, [640, 296]);
    }

    #[test]
    fn every_look_after_the_first_has_settings_of_its_own() {
        let knn = Look { method: "patch-knn".into(), size: 300 };
        let settings = Settings { sizes: vec![640, 296], combined: vec![knn], ..Settings::default() };
        let looks = settings.others().iter().map(|look| (look.method.clone(), look.sizes.clone())).collect::<Vec<_>>();
        assert_eq!(looks, [("mahalanobis".to_owned(), vec![296]), ("patch-knn".to_owned(), vec![300])]);
        assert!(settings.others().iter().all(|look| look.others().is_empty()));
        settings.check().unwrap();
        assert!(Settings { sizes: vec![640, 9], ..Settings::default() }.check().is_err());
        assert!(Settings { sizes: vec![448; 9], ..Settings::default() }.check().is_err());
    }

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
