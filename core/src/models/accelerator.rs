//! The graphics card that a build computes with. In: the build's features `cuda` and `metal`. Out: the card, or why there is
//! none. Knows no model.

use std::sync::OnceLock;

use candle_core::Device;

/// Where the image towers of transformers are computed.
#[derive(Debug, Clone)]
pub enum Accelerator {
    /// On this card.
    Found(Device),
    /// On the processor: this build is for a card, but none can be used, and why.
    Missing(String),
    /// On the processor, as this build always does.
    NotBuiltFor,
}

/// The card of this process; looked for once.
pub fn accelerator() -> &'static Accelerator {
    static FOUND: OnceLock<Accelerator> = OnceLock::new();
    FOUND.get_or_init(look)
}

#[cfg(any(feature = "cuda", feature = "metal"))]
fn look() -> Accelerator {
    let found = if cfg!(feature = "cuda") { Device::new_cuda(0) } else { Device::new_metal(0) };
    match found {
        Ok(device) => Accelerator::Found(device),
        Err(error) => Accelerator::Missing(error.to_string()),
    }
}

#[cfg(not(any(feature = "cuda", feature = "metal")))]
fn look() -> Accelerator {
    Accelerator::NotBuiltFor
}
