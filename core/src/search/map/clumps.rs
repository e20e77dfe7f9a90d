//! Clumps on a map. In: places. Out: groups of photos that lie together, each with the direction that its vectors have in
//! common, by which it can be named. Knows no words.

use super::{PhotoMap, mean_direction};
use crate::models::UnitVector;
use crate::search::nearest::Matrix;

/// Photos that lie together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// The place of its member nearest to the middle of all: where its name stands, never in a void.
    pub place: [f32; 2],
    /// Indices into [`PhotoMap::rows`], ascending.
    pub members: Vec<u32>,
    /// What its vectors have in common.
    pub direction: UnitVector,
}

/// Squares a side of the grid on which photos are counted, at most and at least: with few photos a fine grid would have
/// a clump for each.
const SIDES: (usize, usize) = (20, 96);
/// Squares over which counts are blurred: clumps closer together are one.
const BLUR: isize = 2;
/// A clump is at least this share of the library: fewer photos need no name on a map of all.
const LEAST_SHARE: f64 = 0.004;

/// At most `most` clumps, largest first; photos on thin ground belong to none.
///
/// The map's density is parted at its valleys: every square goes uphill to a peak, and the squares of one peak are a clump
/// (mean shift on a grid, Comaniciu and Meer 2002).
pub fn clusters(matrix: &Matrix<'_>, map: &PhotoMap, most: usize) -> Vec<Cluster> {
    let ground = Ground::of(&map.places);
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); ground.density.len()];
    let mut peaks = vec![None; ground.density.len()];
    for (index, place) in map.places.iter().enumerate() {
        members[ground.peak(ground.square(place), &mut peaks)].push(index as u32);
    }
    let least = (LEAST_SHARE * map.rows.len() as f64).max(3.0) as usize;
    members.retain(|members| members.len() >= least);
    members.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    members.truncate(most);
    members.into_iter().filter_map(|members| cluster(matrix, map, members)).collect()
}

fn cluster(matrix: &Matrix<'_>, map: &PhotoMap, members: Vec<u32>) -> Option<Cluster> {
    let rows: Vec<u32> = members.iter().map(|member| map.rows[*member as usize]).collect();
    let direction = mean_direction(matrix, &rows)?;
    let place = |member: &u32| map.places[*member as usize];
    let middle = [0, 1].map(|axis| members.iter().map(|m| place(m)[axis]).sum::<f32>() / members.len() as f32);
    let distance = |at: &[f32; 2]| (at[0] - middle[0]).powi(2) + (at[1] - middle[1]).powi(2);
    let place = members.iter().map(place).min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    Some(Cluster { place, members, direction })
}

/// How densely photos lie, square by square.
struct Ground {
    side: usize,
    density: Vec<f32>,
}

impl Ground {
    fn of(places: &[[f32; 2]]) -> Self {
        let side = ((places.len() as f64).sqrt() as usize * 3 / 2).clamp(SIDES.0, SIDES.1);
        let mut ground = Self { side, density: vec![0.0; side * side] };
        for place in places {
            let square = ground.square(place);
            ground.density[square] += 1.0;
        }
        // A box twice along each axis is nearly a bell.
        for (along, across) in [(1, side), (side, 1), (1, side), (side, 1)] {
            ground.blur(along, across);
        }
        ground
    }

    fn square(&self, place: &[f32; 2]) -> usize {
        let along = |value: f32| (((value + 1.0) / 2.0 * self.side as f32) as usize).min(self.side - 1);
        along(place[1]) * self.side + along(place[0])
    }

    /// Each square becomes the mean of those around it in its line; beyond the border there is nothing.
    fn blur(&mut self, along: usize, across: usize) {
        let (before, side) = (self.density.clone(), self.side as isize);
        for line in 0..self.side {
            for at in 0..side {
                let window = (at - BLUR..=at + BLUR).filter(|near| (0..side).contains(near));
                let sum: f32 = window.map(|near| before[line * across + near as usize * along]).sum();
                self.density[line * across + at as usize * along] = sum / (2 * BLUR + 1) as f32;
            }
        }
    }

    /// Where going uphill from a square ends.
    fn peak(&self, square: usize, peaks: &mut [Option<usize>]) -> usize {
        let (mut at, mut path) = (square, Vec::new());
        let end = loop {
            if let Some(known) = peaks[at] {
                break known;
            }
            path.push(at);
            match self.uphill(at) {
                Some(up) => at = up,
                None => break at,
            }
        };
        path.into_iter().for_each(|square| peaks[square] = Some(end));
        end
    }

    /// The highest square around one; of equals the first, so that a plain has one peak and every way ends.
    fn uphill(&self, at: usize) -> Option<usize> {
        let side = self.side as isize;
        let (x, y) = ((at % self.side) as isize, (at / self.side) as isize);
        let inside = |v: isize| (0..side).contains(&v);
        let near = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (x + dx, y + dy)));
        let near = near.filter(|(x, y)| inside(*x) && inside(*y)).map(|(x, y)| (y * side + x) as usize);
        let height = |square: &usize| self.density[*square];
        let up = near.max_by(|a, b| height(a).total_cmp(&height(b)).then(b.cmp(a)))?;
        (up != at).then_some(up)
    }
}
