//! How fast inspection is beside the encoder: a bank is built, parts are scored, maps and regions are made. In: n patches
//! of good parts. Out: times; `cargo test` runs each function once, with n = 64.
//!
//! `cargo bench -p sightline-core --bench inspection`

use criterion::{BenchmarkId, Criterion};
use sightline_core::anomaly::{Allowed, Hysteresis, MemoryBank, Patches, Roi, ScoreGrid, regions};
use sightline_core::models::PatchFeatures;

/// Four layers of 192 numbers, joined.
const DIM: usize = 768;

/// Numbers between −1 and 1 that look random and are always the same.
fn noise(seed: usize) -> impl Iterator<Item = f32> {
    // Knuth's linear congruential generator (MMIX).
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed as u64 + 1), next).skip(1).map(|x| (x >> 40) as f32 / (1 << 23) as f32 - 1.0)
}

fn patches(seed: usize, columns: usize) -> Patches {
    let mut values: Vec<f32> = noise(seed).take(columns * DIM).collect();
    for feature in values.chunks_exact_mut(DIM) {
        let length = feature.iter().map(|value| value * value).sum::<f32>().sqrt();
        feature.iter_mut().for_each(|value| *value /= length);
    }
    PatchFeatures { layers: 1, rows: 1, columns, dim: DIM, values }.into()
}

fn bench_bank(criterion: &mut Criterion, n: usize) {
    let part = [patches(1, n)];
    let mut group = criterion.benchmark_group("bank");
    group.sample_size(10);
    group.bench_with_input(BenchmarkId::new("whole", n), &part, |bencher, part| bencher.iter(|| MemoryBank::new(part)));
    group.bench_with_input(BenchmarkId::new("coreset_of_a_tenth", n), &part, |bencher, part| {
        bencher.iter(|| MemoryBank::new(part).and_then(|bank| bank.coreset(n / 10)));
    });
    group.finish();
}

fn bench_scores(criterion: &mut Criterion, n: usize) {
    let Ok(bank) = MemoryBank::new(&[patches(1, n)]) else { return };
    let part = patches(2, 532.min(n));
    let mut group = criterion.benchmark_group("scores");
    group.sample_size(10);
    group.bench_with_input(BenchmarkId::new("nearest", n), &part, |bencher, part| {
        bencher.iter(|| bank.nearest(part, Allowed::default()));
    });
    group.finish();
}

/// The map and the regions of a picture of 1500 × 1000 pixels.
fn bench_regions(criterion: &mut Criterion, n: usize) {
    let grid = ScoreGrid { rows: 19, columns: 28, values: noise(3).map(f32::abs).take(19 * 28).collect() };
    let (width, height) = (1500.min(n as u32 * 10), 1000.min(n as u32 * 7));
    let mut group = criterion.benchmark_group("regions");
    group.sample_size(10);
    group.bench_function("map", |bencher| bencher.iter(|| grid.map((width, height), None, &Roi::default())));
    let map = grid.map((width, height), None, &Roi::default());
    let thresholds = Hysteresis { high: 0.8, low: 0.6 };
    group.bench_function("regions", |bencher| bencher.iter(|| regions(&map, thresholds, 16.0)));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    for n in if is_bench { vec![2128, 17_024] } else { vec![64] } {
        bench_bank(&mut criterion, n);
        bench_scores(&mut criterion, n);
        bench_regions(&mut criterion, n);
    }
    criterion.final_summary();
}
