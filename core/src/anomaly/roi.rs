//! What of a picture counts. In: polygons in fractions of its sides. Out: whether a point is kept. Knows no pixel.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A closed polygon: [x, y] in fractions of the picture's width and height.
pub type Polygon = Vec<[f32; 2]>;

/// More corners are no person's drawing.
const MOST_CORNERS: usize = 10_000;

/// What is looked at, and what of it is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roi {
    /// What counts; none: all of the picture.
    pub include: Vec<Polygon>,
    /// What of that does not count.
    pub exclude: Vec<Polygon>,
}

impl Roi {
    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether the point counts.
    pub fn keeps(&self, x: f32, y: f32) -> bool {
        let is_in = |polygons: &[Polygon]| polygons.iter().any(|polygon| is_inside(polygon, x, y));
        (self.include.is_empty() || is_in(&self.include)) && !is_in(&self.exclude)
    }

    /// Refuses what is no polygon.
    ///
    /// # Errors
    /// Fewer than three corners, far too many, or numbers that are none.
    pub fn check(&self) -> Result<()> {
        let polygons = || self.include.iter().chain(&self.exclude);
        let is_polygon = |polygon: &Polygon| polygon.len() >= 3 && polygon.iter().flatten().all(|at| at.is_finite());
        if polygons().all(is_polygon) && polygons().map(Vec::len).sum::<usize>() <= MOST_CORNERS {
            return Ok(());
        }
        Err(Error::bad_request("a region of interest is no polygon", "give three corners or more, as fractions"))
    }
}

/// Even-odd rule: a ray to the right crosses the outline an odd number of times.
fn is_inside(polygon: &Polygon, x: f32, y: f32) -> bool {
    let before = polygon.iter().cycle().skip(polygon.len().saturating_sub(1));
    let crosses = |([x1, y1], [x2, y2]): (&[f32; 2], &[f32; 2])| {
        (*y1 > y) != (*y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    };
    polygon.iter().zip(before).filter(|(a, b)| crosses((a, b))).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(from: f32, to: f32) -> Polygon {
        vec![[from, from], [to, from], [to, to], [from, to]]
    }

    #[test]
    fn what_is_excluded_is_left_out_of_what_is_included() {
        let roi = Roi { include: vec![square(0.1, 0.9)], exclude: vec![square(0.4, 0.6)] };
        assert!(roi.keeps(0.2, 0.5) && !roi.keeps(0.5, 0.5) && !roi.keeps(0.05, 0.5));
        assert!(Roi::default().keeps(0.5, 0.5));
        let only_excluded = Roi { include: Vec::new(), exclude: vec![square(0.4, 0.6)] };
        assert!(only_excluded.keeps(0.1, 0.1) && !only_excluded.keeps(0.5, 0.5));
    }

    #[test]
    fn what_is_no_polygon_is_refused() {
        assert!(Roi { include: vec![vec![[0.0, 0.0], [1.0, 1.0]]], exclude: Vec::new() }.check().is_err());
        assert!(Roi { include: Vec::new(), exclude: vec![vec![[f32::NAN, 0.0]; 3]] }.check().is_err());
        assert!(Roi { include: vec![square(0.0, 1.0)], exclude: Vec::new() }.check().is_ok());
    }
}
