//! Batch norms, which after training only scale and shift each channel. In: a norm's tensors. Out: convolutions with the
//! norm in them. Must never know a model.

use candle_core::Tensor;

use super::weights::Scope;
use crate::error::Result;

/// torch's and timm's default.
const EPSILON: f64 = 1e-5;

/// The norm below `scope` over `width` channels as x · scale + shift.
pub(super) fn batch_norm(scope: &Scope<'_>, width: usize) -> Result<(Tensor, Tensor)> {
    let part = |name: &str| scope.get(name, &[width]);
    let scale = (part("weight")? / (part("running_var")? + EPSILON)?.sqrt()?)?;
    let shift = (part("bias")? - (part("running_mean")? * &scale)?)?;
    Ok((scale, shift))
}
