//! Features of good parts, and the nearest of them to any other. In: unit features. Out: cosine distances, and where the
//! nearest one came from. Must never know how a picture became features or what the distance means for a part.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::patches::Patches;
use crate::error::{Error, Result};

/// Queries and rows of one product: what it gives stays within 16 MB.
const QUERIES: usize = 1024;
const ROWS: usize = 4096;
/// The random projection that a coreset is chosen in has so many numbers a feature (Johnson and Lindenstrauss 1984; PatchCore
/// uses one as well, Roth et al. 2022, section 3.2).
const PROJECTED: usize = 64;

/// Where a feature came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// Which reference.
    pub part: u32,
    /// Row on the grid of the whole picture.
    pub row: u32,
    /// Column on the grid of the whole picture.
    pub column: u32,
    /// By how many degrees the reference was turned; row and column are those of the turned picture.
    pub degrees: u16,
}

/// The nearest feature of a bank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// 1 − cosine, 0 or more.
    pub distance: f32,
    /// The row of the bank.
    pub row: u32,
}

/// What of the bank a query may be compared with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowed {
    /// The part whose features are left out.
    pub left_out: Option<usize>,
    /// How many places away a feature may be, in both directions.
    pub window: Option<usize>,
}

/// Unit features of good parts, `rows × dim`.
pub struct MemoryBank {
    dim: usize,
    values: Tensor,
    origins: Vec<Origin>,
}

impl MemoryBank {
    /// Takes all features of `parts` (each of one layer).
    ///
    /// # Errors
    /// No features, or features of different lengths.
    pub fn new(parts: &[Patches]) -> Result<Self> {
        let dim = parts.first().map_or(0, |part| part.dim);
        let is_alike = parts.iter().all(|part| part.dim == dim && part.layers == 1);
        let origins: Vec<Origin> = parts.iter().flat_map(origins).collect();
        if origins.is_empty() || dim == 0 || !is_alike {
            return Err(no_references());
        }
        let values: Vec<f32> = parts.iter().flat_map(|part| &part.values).copied().collect();
        Ok(Self { dim, values: Tensor::from_vec(values, (origins.len(), dim), &Device::Cpu)?, origins })
    }

    /// How many features it holds.
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// Length of a feature.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Where a row came from.
    pub fn origin(&self, row: u32) -> Origin {
        self.origins[row as usize]
    }

    /// All features, `rows × dim`.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// At most so many bytes of features: a coreset if there are more.
    ///
    /// # Errors
    /// candle's.
    pub fn within(self, bytes: usize) -> Result<Self> {
        let most = (bytes / (size_of::<f32>() * self.dim)).max(1);
        if self.len() <= most { Ok(self) } else { self.coreset(most) }
    }

    /// The `count` features that cover all others best: greedy k-centre (PatchCore, Roth et al. 2022, algorithm 1; Sener
    /// and Savarese 2018) on a random projection, begun with the feature that is farthest from the mean.
    ///
    /// # Errors
    /// candle's.
    pub fn coreset(&self, count: usize) -> Result<Self> {
        let mut chosen = k_centres(&projected(&self.values, self.dim)?, count.min(self.len()));
        chosen.sort_unstable();
        let origins = chosen.iter().map(|row| self.origins[*row as usize]).collect();
        let rows = Tensor::from_vec(chosen.clone(), chosen.len(), &Device::Cpu)?;
        Ok(Self { dim: self.dim, values: self.values.index_select(&rows, 0)?, origins })
    }

    /// The nearest allowed feature of every place of `patches`; `None` where nothing is allowed.
    ///
    /// # Errors
    /// Features of another length.
    pub fn nearest(&self, patches: &Patches, allowed: Allowed) -> Result<Vec<Option<Nearest>>> {
        if patches.dim != self.dim || patches.layers != 1 {
            return Err(Error::bad_request(
                format!("features of {} numbers cannot be compared with {}", patches.dim, self.dim),
                "teach the references again with the model and the settings that you inspect with",
            ));
        }
        let mut nearest = vec![None; patches.places()];
        let queries = Tensor::from_slice(&patches.values, (patches.places(), self.dim), &Device::Cpu)?;
        for first_row in (0..self.len()).step_by(ROWS) {
            let count = ROWS.min(self.len() - first_row);
            let rows = self.values.narrow(0, first_row, count)?.t()?;
            for first in (0..patches.places()).step_by(QUERIES) {
                let products = queries.narrow(0, first, QUERIES.min(patches.places() - first))?.matmul(&rows)?;
                let products = products.flatten_all()?.to_vec1::<f32>()?;
                let block = Block { products: &products, first_row, origins: &self.origins[first_row..][..count] };
                let found = &mut nearest[first..][..products.len() / count];
                found.par_iter_mut().enumerate().for_each(|(at, best)| {
                    block.improve(at, best, allowed, patches.position(first + at));
                });
            }
        }
        Ok(nearest)
    }
}

/// Cosines of some queries with some rows.
struct Block<'a> {
    products: &'a [f32],
    first_row: usize,
    origins: &'a [Origin],
}

impl Block<'_> {
    /// Takes the best row of this block for query `query` if it beats `best`.
    fn improve(&self, query: usize, best: &mut Option<Nearest>, allowed: Allowed, position: (usize, usize)) {
        let cosines = &self.products[query * self.origins.len()..][..self.origins.len()];
        let found = match (allowed.left_out, allowed.window) {
            (None, None) => largest(cosines.iter().copied().enumerate()),
            _ => largest(
                cosines
                    .iter()
                    .copied()
                    .enumerate()
                    .filter(|(row, _)| is_allowed(&self.origins[*row], allowed, position)),
            ),
        };
        let Some((row, cosine)) = found else { return };
        let distance = (1.0 - cosine).max(0.0);
        if best.is_none_or(|best| distance < best.distance) {
            *best = Some(Nearest { distance, row: (self.first_row + row) as u32 });
        }
    }
}

fn largest(cosines: impl Iterator<Item = (usize, f32)>) -> Option<(usize, f32)> {
    cosines.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn is_allowed(origin: &Origin, allowed: Allowed, (row, column): (usize, usize)) -> bool {
    let is_near = |window: usize| {
        row.abs_diff(origin.row as usize) <= window && column.abs_diff(origin.column as usize) <= window
    };
    allowed.left_out != Some(origin.part as usize) && allowed.window.is_none_or(is_near)
}

fn origins(part: &Patches) -> impl Iterator<Item = Origin> {
    (0..part.places()).map(|place| {
        let (row, column) = part.position(place);
        Origin { part: part.part as u32, row: row as u32, column: column as u32, degrees: part.degrees }
    })
}

pub(super) fn no_references() -> Error {
    Error::bad_request("there is no good part to compare with", "give at least one picture of a good part")
}

/// Features in a space of fewer numbers in which distances stay nearly as they were.
fn projected(values: &Tensor, dim: usize) -> Result<Vec<Vec<f32>>> {
    if dim <= PROJECTED {
        return Ok(values.to_vec2()?);
    }
    let scale = (3.0 / PROJECTED as f32).sqrt();
    let numbers: Vec<f32> = noise().take(dim * PROJECTED).map(|value| value * scale).collect();
    Ok(values.matmul(&Tensor::from_vec(numbers, (dim, PROJECTED), &Device::Cpu)?)?.to_vec2()?)
}

/// Numbers between −1 and 1 that look random and are always the same.
fn noise() -> impl Iterator<Item = f32> {
    // Knuth's linear congruential generator (MMIX).
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(1_u64), next).skip(1).map(|x| (x >> 40) as f32 / (1 << 23) as f32 - 1.0)
}

fn k_centres(rows: &[Vec<f32>], count: usize) -> Vec<u32> {
    let mut far: Vec<f32> = distances_to(rows, &mean(rows), None);
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let Some(next) = (0..rows.len()).max_by(|a, b| far[*a].total_cmp(&far[*b])) else { break };
        let before = (!chosen.is_empty()).then_some(&far);
        far = distances_to(rows, &rows[next], before);
        far[next] = -1.0;
        chosen.push(next as u32);
    }
    chosen
}

/// Squared distances to `centre`, or what they were before where that is less.
fn distances_to(rows: &[Vec<f32>], centre: &[f32], before: Option<&Vec<f32>>) -> Vec<f32> {
    let distance = |row: &[f32]| row.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let one = |(at, row): (usize, &Vec<f32>)| distance(row).min(before.map_or(f32::INFINITY, |before| before[at]));
    rows.par_iter().enumerate().with_min_len(512).map(one).collect()
}

fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let mut mean = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / rows.len() as f32);
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::super::testing::{part, unit_noise};
    use super::*;

    fn distances(bank: &MemoryBank, query: &Patches, allowed: Allowed) -> Vec<f32> {
        let nearest = bank.nearest(query, allowed).unwrap();
        nearest.into_iter().map(|nearest| nearest.map_or(f32::INFINITY, |nearest| nearest.distance)).collect()
    }

    #[test]
    fn a_part_is_at_distance_zero_from_its_own_bank() {
        let part = unit_noise(0, (7, 9, 12), 1);
        let bank = MemoryBank::new(std::slice::from_ref(&part)).unwrap();
        assert!(distances(&bank, &part, Allowed::default()).iter().all(|distance| *distance < 1e-6));
        let nearest = bank.nearest(&part, Allowed::default()).unwrap();
        assert!(nearest.iter().enumerate().all(|(place, nearest)| nearest.unwrap().row as usize == place));
    }

    #[test]
    fn the_order_of_the_parts_does_not_matter() {
        let (a, b, query) = (unit_noise(0, (5, 5, 8), 1), unit_noise(1, (5, 5, 8), 2), unit_noise(0, (5, 5, 8), 3));
        let forth = MemoryBank::new(&[a.clone(), b.clone()]).unwrap();
        let back = MemoryBank::new(&[b, a]).unwrap();
        for allowed in [Allowed::default(), Allowed { left_out: Some(0), window: Some(2) }] {
            let found = distances(&forth, &query, allowed).into_iter().zip(distances(&back, &query, allowed));
            found.for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
        }
    }

    #[test]
    fn banks_and_queries_of_several_blocks_give_what_one_by_one_gives() {
        let (bank, query) = (unit_noise(0, (70, 70, 3), 1), unit_noise(0, (33, 40, 3), 2));
        let found = distances(&MemoryBank::new(std::slice::from_ref(&bank)).unwrap(), &query, Allowed::default());
        for (feature, found) in query.values.chunks_exact(3).zip(found).step_by(97) {
            let cosine = |row: &[f32]| row.iter().zip(feature).map(|(a, b)| a * b).sum::<f32>();
            let best = bank.values.chunks_exact(3).map(cosine).fold(f32::MIN, f32::max);
            assert!((found - (1.0 - best)).abs() < 1e-5);
        }
    }

    #[test]
    fn a_left_out_part_and_far_places_are_not_compared_with() {
        let one = part(0, (1, 3, 2), vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        let bank = MemoryBank::new(std::slice::from_ref(&one)).unwrap();
        assert_eq!(distances(&bank, &one, Allowed { left_out: Some(0), window: None }), [f32::INFINITY; 3]);
        let moved = part(1, (1, 3, 2), vec![0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(distances(&bank, &moved, Allowed { left_out: None, window: Some(0) }), [1.0, 0.0, 1.0]);
        assert_eq!(distances(&bank, &moved, Allowed { left_out: None, window: Some(1) }), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_coreset_keeps_what_lies_apart() {
        let values = vec![1.0, 0.0, 0.999, 0.04, 0.0, 1.0, -1.0, 0.0];
        let bank = MemoryBank::new(&[part(0, (1, 4, 2), values)]).unwrap().coreset(3).unwrap();
        let columns: Vec<u32> = (0..3).map(|row| bank.origin(row).column).collect();
        assert!(columns.contains(&2) && columns.contains(&3), "{columns:?}");
        assert_eq!(bank.within(1 << 20).unwrap().len(), 3);
    }

    #[test]
    fn features_of_another_model_and_no_references_are_refused() {
        assert!(MemoryBank::new(&[]).is_err());
        let bank = MemoryBank::new(&[unit_noise(0, (2, 2, 4), 1)]).unwrap();
        assert!(bank.nearest(&unit_noise(0, (2, 2, 5), 1), Allowed::default()).is_err());
    }
}
