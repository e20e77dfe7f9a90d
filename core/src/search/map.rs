//! The library as a map: photos that are alike lie near one another. In: vectors. Out: a place in the plane for every
//! photo, at once by principal components, better by t-SNE after a while; and the clumps on it, to be named. Same vectors,
//! same map. Knows no photo and no window.

use std::num::NonZeroUsize;

use half::f16;
use rayon::prelude::*;

use super::cells::{Cells, Near, Wanted, sum};
use super::nearest::Matrix;
use crate::error::Result;
use crate::jobs::Ticker;
use crate::models::UnitVector;

mod clumps;
mod principal;

pub use clumps::{Cluster, clusters};

/// Where the photos lie.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhotoMap {
    /// Rows of the vectors, ascending.
    pub rows: Vec<u32>,
    /// Their places, x to the right and y up; the farthest from the middle is 1 away from it in x or in y.
    pub places: Vec<[f32; 2]>,
}

impl PhotoMap {
    /// Places about their middle, shrunk or stretched to reach 1.
    fn fitted(rows: Vec<u32>, mut places: Vec<[f32; 2]>) -> Self {
        let count = places.len().max(1) as f64;
        let middle = [0, 1].map(|axis| (places.iter().map(|p| f64::from(p[axis])).sum::<f64>() / count) as f32);
        places.iter_mut().for_each(|place| *place = [place[0] - middle[0], place[1] - middle[1]]);
        let reach = places.iter().flatten().fold(0.0_f32, |most, value| most.max(value.abs()));
        if reach > 0.0 {
            places.iter_mut().flatten().for_each(|value| *value /= reach);
        }
        Self { rows, places }
    }
}

/// The map by the two principal components of the vectors: quick, and good enough to begin with.
///
/// `rows` are ascending; those that are no numbers lie in the middle.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn principal_layout(matrix: &Matrix<'_>, rows: &[u32], ticker: &Ticker) -> Result<PhotoMap> {
    ticker.phase("Laying out");
    let places = principal::places(matrix, rows, ticker)?;
    Ok(PhotoMap::fitted(rows.to_vec(), places))
}

/// Neighbours of a photo that t-SNE keeps together. Its perplexity is a third of that (van der Maaten 2014).
const NEIGHBOURS: usize = 30;
const PERPLEXITY: f32 = 10.0;
/// Steps in all, and in the beginning those that pull clumps together (scikit-learn: 250 of 1000; from principal
/// components fewer do).
const STEPS: usize = 600;
const GATHERING_STEPS: usize = 200;
/// Steps between two looks at the ticker.
const STEPS_A_LOOK: usize = 20;
/// Fewer photos than this stay where their principal components put them.
const FEWEST: usize = 8;
/// From so many photos on FIt-SNE is quicker than Barnes and Hut's tree (van der Maaten 2014), whose accuracy is THETA.
const MANY: usize = 4096;
const THETA: f32 = 0.5;
/// The spread to begin with: any more would keep clumps where they are (Kobak and Berens 2019).
const START_SPREAD: f32 = 1e-4;

/// The map refined by t-SNE (of many photos FIt-SNE, Linderman et al. 2019) from `start`. `show` gets every look on the way.
///
/// It takes minutes for a large library, on one thread: so the map is the same each time, and the machine stays free for
/// other things.
///
/// # Errors
/// [`crate::Error::Cancelled`]; the system gives no thread.
pub fn refined_layout(
    matrix: &Matrix<'_>,
    start: &PhotoMap,
    show: &mut (dyn FnMut(PhotoMap) + Send),
    ticker: &Ticker,
) -> Result<PhotoMap> {
    if start.rows.len() < FEWEST {
        return Ok(start.clone());
    }
    ticker.phase("Finding neighbours");
    ticker.expect(start.rows.len());
    let neighbours = neighbours(matrix, &start.rows, ticker)?;
    ticker.phase("Laying out");
    ticker.expect(STEPS);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "map".to_owned());
    let one_thread = one_thread.build().map_err(std::io::Error::other)?;
    one_thread.install(|| walk(start, &neighbours, show, ticker))
}

type Neighbour = bhtsne::Neighbor<f32>;

fn walk(
    start: &PhotoMap,
    neighbours: &[Vec<Neighbour>],
    show: &mut (dyn FnMut(PhotoMap) + Send),
    ticker: &Ticker,
) -> Result<PhotoMap> {
    // The neighbours say all of the photos that t-SNE asks.
    let photos = vec![(); start.rows.len()];
    let perplexity = PERPLEXITY.min((neighbours[0].len() as f32 / 3.0).max(1.0));
    let mut tsne: bhtsne::tSNE<'_, f32, (), 2> = bhtsne::tSNE::new(&photos);
    tsne.perplexity(perplexity).epochs(STEPS_A_LOOK).momentum(0.8).final_momentum(0.8);
    let mut places: Vec<f32> = start.places.iter().flatten().map(|value| value * START_SPREAD).collect();
    for looks in 0..STEPS / STEPS_A_LOOK {
        // 0 ends the gathering at once; a step that is never reached does not end it within this look.
        let is_gathering = looks * STEPS_A_LOOK < GATHERING_STEPS;
        tsne.stop_lying_epoch(if is_gathering { usize::MAX } else { 0 }).initial_embedding(places);
        // What is made of the neighbours the first time is still there later: the distance is never asked for.
        match (looks, photos.len() < MANY) {
            (0, true) => tsne.barnes_hut_with_neighbors(THETA, neighbours),
            (_, true) => tsne.barnes_hut(THETA, |(), ()| 0.0),
            (0, false) => tsne.fit_sne_with_neighbors(neighbours),
            (_, false) => tsne.fit_sne(|(), ()| 0.0),
        };
        places = tsne.embedding();
        show(PhotoMap::fitted(start.rows.clone(), places.as_chunks().0.to_vec()));
        ticker.tick(STEPS_A_LOOK)?;
    }
    Ok(PhotoMap::fitted(start.rows.clone(), places.as_chunks().0.to_vec()))
}

/// The same number of neighbours for each row, by their place among the rows, with the distances of their vectors.
fn neighbours(matrix: &Matrix<'_>, rows: &[u32], ticker: &Ticker) -> Result<Vec<Vec<Neighbour>>> {
    let count = NonZeroUsize::new(NEIGHBOURS.min(rows.len() - 1)).map_or(1, NonZeroUsize::get);
    let wanted = Wanted { limit: count, floor: -1.5 };
    let near = Cells::new(matrix, rows, ticker)?.neighbours(matrix, wanted, ticker)?;
    let place = |near: &Near| {
        let index = rows.binary_search(&near.row).ok()?;
        Some(Neighbour { index, distance: (2.0 - 2.0 * near.cosine).max(0.0).sqrt() })
    };
    let of_row = |(index, row): (usize, &u32)| {
        let mut found: Vec<Neighbour> = near[*row as usize].iter().filter_map(place).collect();
        // Too few where cells are small, none for a vector that is no number: any others, far away.
        let mut other = index;
        while found.len() < count {
            other = (other + 1) % rows.len();
            if other != index && !found.iter().any(|neighbour| neighbour.index == other) {
                found.push(Neighbour { index: other, distance: 2.0 });
            }
        }
        found
    };
    Ok(rows.par_iter().enumerate().map(of_row).collect())
}

/// The direction of the mean of some rows; `None` where they cancel out.
fn mean_direction(matrix: &Matrix<'_>, rows: &[u32]) -> Option<UnitVector> {
    let finite: Vec<u32> = rows.iter().copied().filter(|row| is_finite(matrix.row(*row as usize))).collect();
    UnitVector::normalised(sum(matrix, &finite).into_iter().map(|value| value as f32).collect())
}

fn is_finite(row: &[f16]) -> bool {
    row.iter().all(|value| value.is_finite())
}

#[cfg(test)]
mod tests;
