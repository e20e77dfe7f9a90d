//! Features of good parts, and the nearest of them to any other. In: unit features. Out: cosine distances, and where the
//! nearest one came from. Must never know how a picture became features or what the distance means for a part.

use candle_core::{Device, Layout, Storage, Tensor};
use rayon::prelude::*;

use super::coreset::coreset;
use super::patches::Patches;
use super::projection::random_projection;
use crate::error::{Error, Result};

/// Queries and rows of one product: what it gives stays within 16 MB.
const QUERIES: usize = 1024;
const ROWS: usize = 2048;
/// Long features are searched in a random projection of so many numbers, and the best of every block of rows is then
/// compared in full: a sixth of the work, and a distance that is still exact, to a patch that is nearly always the nearest.
const SEARCHED: usize = 128;
/// Shorter ones are compared in full at once.
const LEAST_SEARCHED_DIM: usize = 4 * SEARCHED;

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
    /// What is searched in place of long features.
    projected: Option<Tensor>,
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
        let values = Tensor::from_vec(values, (origins.len(), dim), &Device::Cpu)?;
        Ok(Self { dim, values, origins, projected: None }.with_projection()?)
    }

    fn with_projection(self) -> candle_core::Result<Self> {
        if self.dim < LEAST_SEARCHED_DIM {
            return Ok(self);
        }
        let rows = random_projection(&self.values, SEARCHED - 1)?;
        // ‖a − b‖² = ‖a‖² − 2 (a·b − ‖b‖² / 2): with the bracket as a product, its largest value is the nearest row.
        let bias = (rows.sqr()?.sum_keepdim(1)? * -0.5)?;
        Ok(Self { projected: Some(Tensor::cat(&[&rows, &bias], 1)?), ..self })
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

    /// The `count` features that cover all others best.
    ///
    /// # Errors
    /// candle's.
    pub fn coreset(&self, count: usize) -> Result<Self> {
        let chosen = coreset(&self.values, count)?;
        let origins = chosen.iter().map(|row| self.origins[*row as usize]).collect();
        let count = chosen.len();
        let rows = Tensor::from_vec(chosen, count, &Device::Cpu)?;
        let projected = self.projected.as_ref().map(|all| all.index_select(&rows, 0)).transpose()?;
        Ok(Self { dim: self.dim, values: self.values.index_select(&rows, 0)?, origins, projected })
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
        let queries = self.queries(patches)?;
        let searched = self.projected.as_ref().unwrap_or(&self.values);
        let (storage, layout) = self.values.storage_and_layout();
        let rows = numbers(&storage, layout)?;
        for first_row in (0..self.len()).step_by(ROWS) {
            let count = ROWS.min(self.len() - first_row);
            let block = searched.narrow(0, first_row, count)?.t()?;
            for first in (0..patches.places()).step_by(QUERIES) {
                let products = queries.narrow(0, first, QUERIES.min(patches.places() - first))?.matmul(&block)?;
                let (storage, layout) = products.storage_and_layout();
                let products = numbers(&storage, layout)?;
                let block = Block { products, first_row, origins: &self.origins[first_row..][..count] };
                let found = &mut nearest[first..][..products.len() / count];
                let look = |(at, best): (usize, &mut Option<Nearest>)| {
                    let place = first + at;
                    let found = block.best(at, allowed, patches.position(place));
                    improve(best, found.map(|found| self.in_full(found, patches, place, rows)));
                };
                found.par_iter_mut().enumerate().for_each(look);
            }
        }
        Ok(nearest)
    }

    /// A row that was found by its product, at its exact distance.
    fn in_full(&self, (row, product): (usize, f32), patches: &Patches, place: usize, rows: &[f32]) -> Nearest {
        let dim = self.dim;
        let cosine = match self.projected {
            Some(_) => cosine(&patches.values[place * dim..][..dim], &rows[row * dim..][..dim]),
            None => product,
        };
        Nearest { distance: (1.0 - cosine).max(0.0), row: row as u32 }
    }

    /// The features of `patches` as they are searched.
    fn queries(&self, patches: &Patches) -> Result<Tensor> {
        let queries = Tensor::from_slice(&patches.values, (patches.places(), self.dim), &Device::Cpu)?;
        if self.projected.is_none() {
            return Ok(queries);
        }
        let one = Tensor::ones((patches.places(), 1), candle_core::DType::F32, &Device::Cpu)?;
        Ok(Tensor::cat(&[&random_projection(&queries, SEARCHED - 1)?, &one], 1)?)
    }
}

/// The numbers of a matrix without a copy.
fn numbers<'a>(storage: &'a Storage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (Storage::Cpu(cpu), Some((start, end))) => Ok(&cpu.as_slice::<f32>()?[start..end]),
        _ => Err(candle_core::Error::Msg("a bank lies in memory row by row".into())),
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    // In eight sums, which the compiler adds up at once.
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

fn improve(best: &mut Option<Nearest>, found: Option<Nearest>) {
    if best.is_none_or(|best| found.is_some_and(|found| found.distance < best.distance)) {
        *best = found;
    }
}

/// Products of some queries with some rows.
struct Block<'a> {
    products: &'a [f32],
    first_row: usize,
    origins: &'a [Origin],
}

impl Block<'_> {
    /// The row of this block with the largest product with query `query`, and the product.
    fn best(&self, query: usize, allowed: Allowed, position: (usize, usize)) -> Option<(usize, f32)> {
        let products = &self.products[query * self.origins.len()..][..self.origins.len()];
        let (row, product) = match (allowed.left_out, allowed.window) {
            (None, None) => largest(products)?,
            _ => {
                let numbered = products.iter().copied().enumerate();
                let allowed = numbered.filter(|(row, _)| is_allowed(&self.origins[*row], allowed, position));
                allowed.reduce(|best, next| if next.1 > best.1 { next } else { best })?
            }
        };
        Some((self.first_row + row, product))
    }
}

/// The first of the largest numbers, and where it is. First how large, then where: the first loop has no branch, and the
/// compiler takes many numbers at once.
fn largest(numbers: &[f32]) -> Option<(usize, f32)> {
    let (blocks, rest) = numbers.as_chunks::<16>();
    let mut lanes = [f32::NEG_INFINITY; 16];
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, number)| *lane = if *number > *lane { *number } else { *lane });
    }
    let most = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    Some((numbers.iter().position(|number| *number == most)?, most))
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
    fn among_long_features_the_nearest_is_found_at_its_exact_distance() {
        let dim = LEAST_SEARCHED_DIM;
        let (part, noise) = (unit_noise(0, (50, 60, dim), 1), unit_noise(0, (50, 60, dim), 2));
        let bank = MemoryBank::new(std::slice::from_ref(&part)).unwrap();
        assert!(distances(&bank, &part, Allowed::default()).iter().all(|distance| *distance < 1e-5));
        let mut near = part.clone();
        near.values.iter_mut().zip(&noise.values).for_each(|(value, noise)| *value += 0.3 * noise);
        near.values.chunks_exact_mut(dim).for_each(super::super::patches::scale_to_unit);
        let found = bank.nearest(&near, Allowed::default()).unwrap();
        for (place, found) in found.iter().enumerate() {
            let row = |values: &[f32]| values[place * dim..][..dim].to_vec();
            let expected = 1.0 - cosine(&row(&part.values), &row(&near.values));
            let found = found.unwrap();
            assert!(found.row as usize == place && (found.distance - expected).abs() < 1e-5, "{place} {found:?}");
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
    fn the_largest_number_is_the_first_of_its_like_wherever_it_lies() {
        let mut numbers = vec![-3.0; 40];
        assert_eq!(largest(&numbers), Some((0, -3.0)));
        for at in [39, 33, 31, 16, 5] {
            numbers[at] = 2.5;
            assert_eq!(largest(&numbers), Some((at, 2.5)));
        }
        assert_eq!(largest(&[]), None);
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
