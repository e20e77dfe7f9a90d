//! What the tests of the models share: noise, and the comparison of two tensors.

use candle_core::{Device, Tensor};

/// Normally distributed numbers.
pub fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0_f32, 1.0, shape, &Device::Cpu).unwrap()
}

/// Both have one shape, and no number differs by as much as `most`.
#[track_caller]
pub fn check_near(found: &Tensor, expected: &Tensor, most: f32) {
    assert_eq!(found.dims(), expected.dims());
    let difference = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
    let difference = difference.to_scalar::<f32>().unwrap();
    assert!(difference < most, "{difference}");
}
