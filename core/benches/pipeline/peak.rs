//! What all cores together can multiply and add in 32 bits: sums that never leave the registers. No encoder can be faster
//! than this divided by what a picture takes (8.8 GFLOP for ViT-B/32). In: nothing. Out: FLOP a second.

use criterion::{Criterion, Throughput};
use pulp::{Arch, Simd, WithSimd};

/// Sums at once: two units that take four cycles for each need eight, twelve leave room.
const SUMS: usize = 12;

/// Steps of each sum on each core.
struct Work {
    steps: usize,
}

impl WithSimd for Work {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (factor, term) = (simd.splat_f32s(0.999), simd.splat_f32s(0.001));
        // Hidden from the compiler: sums that are known to be equal could be made one.
        let mut sums = std::hint::black_box([term; SUMS]);
        for _ in 0..self.steps {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum()
    }
}

/// Numbers in one register.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// One line: all cores.
pub fn bench_peak(criterion: &mut Criterion, steps: usize) {
    let (arch, cores) = (Arch::new(), rayon::current_num_threads());
    let flops = 2 * SUMS * steps * arch.dispatch(Lanes) * cores;
    let mut group = criterion.benchmark_group("peak");
    group.throughput(Throughput::Elements(flops as u64));
    group.bench_function("multiply_add", |b| b.iter(|| rayon::broadcast(|_| arch.dispatch(Work { steps }))));
    group.finish();
}
