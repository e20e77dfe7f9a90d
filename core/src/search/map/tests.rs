//! Maps of clumps whose answer is known.

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::search::cells::tests::clumps as clumped;

const DIM: usize = 32;

fn all(matrix: &Matrix<'_>) -> Vec<u32> {
    (0..matrix.rows() as u32).collect()
}

fn principal(values: &[f16], dim: usize) -> PhotoMap {
    let matrix = Matrix::new(dim, values);
    principal_layout(&matrix, &all(&matrix), &Ticker::silent()).unwrap()
}

fn refined(values: &[f16], start: &PhotoMap) -> PhotoMap {
    refined_layout(&Matrix::new(DIM, values), start, &mut |_| {}, &Ticker::silent()).unwrap()
}

/// The share of photos whose nearest photo on the map is of their own clump of `size`.
fn purity(map: &PhotoMap, size: usize) -> f64 {
    let distance = |a: usize, b: usize| {
        let (a, b) = (map.places[a], map.places[b]);
        (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
    };
    let count = map.places.len();
    let nearest = |i: usize| (0..count).filter(|j| *j != i).min_by(|a, b| distance(i, *a).total_cmp(&distance(i, *b)));
    (0..count).filter(|i| nearest(*i).is_some_and(|j| j / size == i / size)).count() as f64 / count as f64
}

#[test]
fn the_first_axis_is_that_of_most_variance() {
    // Along x by ±0.6, along y by ±0.2, and the same in z for all.
    let row = |i: usize| {
        let (x, y) = ([0.6, -0.6][i % 2], [0.2, 0.2, -0.2, -0.2][i % 4]);
        [x, y, 0.7]
    };
    let values: Vec<f16> = (0..40).flat_map(|i| row(i).map(f16::from_f32)).collect();
    let map = principal(&values, 3);
    for (i, place) in map.places.iter().enumerate() {
        let expected = [[1.0, -1.0][i % 2], [1.0, 1.0, -1.0, -1.0][i % 4] / 3.0];
        assert!((place[0] - expected[0]).abs() < 1e-3 && (place[1] - expected[1]).abs() < 1e-3, "{place:?}");
    }
}

#[test]
fn few_photos_have_a_map_too() {
    assert_eq!(principal(&[], DIM), PhotoMap::default());
    assert_eq!(principal(&clumped(1, DIM, 1, 0.0), DIM).places, [[0.0, 0.0]]);
    let values = clumped(9, DIM, 3, 0.1);
    let map = refined(&values, &principal(&values, DIM));
    assert!(map.places.iter().flatten().all(|value| value.is_finite()));
}

#[test]
fn refining_brings_clumps_together_and_does_so_the_same_each_time() {
    let values = clumped(400, DIM, 20, 1.0);
    let start = principal(&values, DIM);
    let map = refined(&values, &start);
    assert!(purity(&map, 20) > 0.95 && purity(&map, 20) > purity(&start, 20), "{}", purity(&map, 20));
    assert_eq!(map, refined(&values, &start));
}

#[test]
fn a_map_can_be_watched_and_stopped() {
    let values = clumped(60, DIM, 20, 1.0);
    let ticker = Ticker::silent();
    let stopping = ticker.clone();
    let mut looks = 0;
    let mut show = |map: PhotoMap| {
        assert_eq!(map.places.len(), 60);
        looks += 1;
        stopping.cancel();
    };
    let stopped = refined_layout(&Matrix::new(DIM, &values), &principal(&values, DIM), &mut show, &ticker);
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert_eq!(looks, 1);
}

#[test]
fn clumps_become_clusters_with_their_direction() {
    let values = clumped(200, DIM, 50, 0.3);
    let matrix = Matrix::new(DIM, &values);
    let map = refined(&values, &principal(&values, DIM));
    let clusters = clusters(&matrix, &map, 10);
    assert_eq!(clusters.len(), 4, "{clusters:?}");
    for cluster in clusters {
        let clump = cluster.members[0] / 50;
        assert!(cluster.members.iter().all(|member| member / 50 == clump));
        let expected = mean_direction(&matrix, &(clump * 50..clump * 50 + 50).collect::<Vec<_>>()).unwrap();
        assert!(cluster.direction.cosine(&expected) > 0.99);
    }
}

#[test]
fn a_row_that_is_no_number_does_not_spoil_the_map() {
    let mut values = clumped(60, DIM, 20, 0.5);
    values[5 * DIM..6 * DIM].fill(f16::NAN);
    let map = refined(&values, &principal(&values, DIM));
    assert!(map.places.iter().flatten().all(|value| value.is_finite()));
    assert!(!clusters(&Matrix::new(DIM, &values), &map, 10).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_photo_has_a_place_within_the_map(count in 0_usize..60, clump in 1_usize..9) {
        let map = principal(&clumped(count, 8, clump, 0.5), 8);
        prop_assert_eq!(map.places.len(), count);
        prop_assert!(map.places.iter().flatten().all(|value| value.abs() <= 1.0));
    }
}

/// `SLOW_TESTS=1 MAP_PHOTOS=100000 cargo test -p sightline-core --lib a_map_of_many -- --nocapture` prints the times.
#[test]
fn a_map_of_many_photos_is_laid_out() {
    let asked = std::env::var("MAP_PHOTOS").ok().and_then(|count| count.parse().ok());
    let many = asked.unwrap_or(5_000);
    let (count, dim) = if std::env::var_os("SLOW_TESTS").is_some() { (many, 512) } else { (300, DIM) };
    let values = clumped(count, dim, 50, 0.8);
    let matrix = Matrix::new(dim, &values);
    let started = std::time::Instant::now();
    let map = principal_layout(&matrix, &all(&matrix), &Ticker::silent()).unwrap();
    let principal = started.elapsed().as_secs_f64();
    let map = refined_layout(&matrix, &map, &mut |_| {}, &Ticker::silent()).unwrap();
    let refined = started.elapsed().as_secs_f64() - principal;
    let count = clusters(&matrix, &map, 1000).len();
    println!("{} photos: {principal:.1} s, refined {refined:.1} s, {count} clusters", map.rows.len());
}
