//! FastViT (Vasu et al. 2023), the picture tower of MobileCLIP. In: pixels. Out: embeddings. Must never know where its
//! tensors come from; their names are those of timm's fastvit_mci1 and fastvit_mci2, below one scope.
//!
//! Written here because candle's FastViT gives other numbers than timm's and takes a branch for absent when one of its
//! tensors is. What was trained as several branches is one convolution here: branches, batch norms, layer scales and
//! skips are all linear, and are added up once, while loading.

use candle_core::{D, Tensor};

use super::attention::attention;
use super::batch_norm::batch_norm;
use super::dense::{Affine, Dense};
use super::depthwise::{Depthwise, Map};
use super::ops::{Activation, activate, add_bias};
use super::towers::ImageTower;
use super::weights::Scope;
use crate::error::{Error, Result};

/// Width of an attention head.
const HEAD: usize = 32;
/// Pixels a side for one place of the last map.
const STRIDE: usize = 32;

/// The shape of a tower.
#[derive(Debug, Clone, Copy)]
pub(super) struct FastVitConfig {
    /// Channels of the first stage; each stage has twice those of the one before.
    pub width: usize,
    /// Blocks of each stage; the last stage's are attention.
    pub blocks: [usize; 4],
    /// Length of the embeddings.
    pub dim: usize,
}

/// A tower with its weights.
pub(super) struct FastVit {
    stem: (Folded, Separable, Dense),
    stages: Vec<Stage>,
    last: Separable,
    head: Dense,
    dim: usize,
}

struct Stage {
    downsample: Option<(Separable, Dense)>,
    position: Option<Separable>,
    mixers: Vec<Mixer>,
}

/// A convolution of each channel, then squeeze and excitation where there is one, then gelu where there is one.
struct Separable {
    kernel: Depthwise,
    bias: Tensor,
    excitation: Option<(Dense, Dense)>,
    has_gelu: bool,
}

/// One block: tokens are mixed, then channels.
struct Mixer {
    tokens: TokenMixer,
    /// 7 × 7; its bias is part of that of `up`.
    local: Depthwise,
    up: Dense,
    down: Dense,
}

enum TokenMixer {
    /// The skip is part of the kernel.
    Convolution(Separable),
    Attention {
        qkv: Dense,
        out: Dense,
    },
}

impl FastVit {
    /// Takes the tensors below `trunk`.
    pub fn load(config: FastVitConfig, trunk: &Scope<'_>) -> Result<Self> {
        let FastVitConfig { width, blocks, dim } = config;
        let stem = trunk.at("stem");
        let first = branches(&stem.at(0), [width, 3, 3, 3])?;
        let second = Separable::new(branches(&stem.at(1), [width, 1, 3, 3])?, 2, None, true)?;
        let stages = blocks.iter().enumerate();
        let stages = stages.map(|(at, &count)| Stage::load(at, width << at, count, &trunk.at("stages").at(at)));
        let outputs = width * 16;
        let last = trunk.at("final_conv");
        let excitation = Some(excitation(&last.at("se"), outputs, outputs / 16)?);
        Ok(Self {
            stem: (first, second, expanded(&stem.at(2), width)?),
            stages: stages.collect::<Result<_>>()?,
            last: Separable::new(branches(&last, [outputs, 1, 3, 3])?, 1, excitation, true)?,
            head: Dense::load(&trunk.at("head.fc"), outputs, dim)?,
            dim,
        })
    }

    fn stem(&self, pixels: &Tensor) -> Result<Map> {
        let (first, second, third) = &self.stem;
        let (n, _, height, width) = pixels.dims4()?;
        if height % STRIDE != 0 || width % STRIDE != 0 || height * width == 0 {
            let what = format!("{width} × {height} pixels are no multiple of {STRIDE}");
            return Err(Error::bad_request(what, "prepare the picture first"));
        }
        let (rows, columns) = (height / 2, width / 2);
        let features = pixels.conv2d(&first.kernel, 1, 2, 1, 1)?.permute((0, 2, 3, 1))?.force_contiguous()?;
        let features = features.reshape((n, rows * columns, ()))?;
        activate(&features, &first.bias, Activation::Gelu)?;
        let map = second.forward(&Map { features, rows, columns })?;
        Ok(Map { features: third.activated(&map.features, Activation::Gelu)?, ..map })
    }
}

impl ImageTower for FastVit {
    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(&self, pixels: &Tensor) -> Result<Tensor> {
        let mut map = self.stem(pixels)?;
        for stage in &self.stages {
            map = stage.forward(map)?;
        }
        let map = self.last.forward(&map)?;
        self.head.forward(&map.features.mean_keepdim(1)?)?.squeeze(1).map_err(Error::from)
    }
}

impl Stage {
    fn load(at: usize, width: usize, blocks: usize, stage: &Scope<'_>) -> Result<Self> {
        let is_last = at == 3;
        let block = |block| Mixer::load(width, is_last, &stage.at("blocks").at(block));
        Ok(Self {
            downsample: (at > 0).then(|| downsample(at, width, &stage.at("downsample.proj"))).transpose()?,
            position: is_last.then(|| position(&stage.at("pos_emb.pos_enc"), width)).transpose()?,
            mixers: (0..blocks).map(block).collect::<Result<_>>()?,
        })
    }

    fn forward(&self, mut map: Map) -> Result<Map> {
        if let Some((convolution, mixed)) = &self.downsample {
            map = convolution.forward(&map)?;
            map.features = mixed.activated(&map.features, Activation::Gelu)?;
        }
        if let Some(position) = &self.position {
            map = position.forward(&map)?;
        }
        for mixer in &self.mixers {
            map = mixer.forward(map)?;
        }
        Ok(map)
    }
}

/// Half the rows and columns, twice the channels; excited from the third stage on.
fn downsample(at: usize, width: usize, proj: &Scope<'_>) -> Result<(Separable, Dense)> {
    let first = proj.at(0);
    let large = Folded::load(&first.at("large_conv"), [width, 1, 7, 7])?;
    let small = Folded::load(&first.at("small_conv"), [width, 1, 3, 3])?.padded(7)?;
    let excitation = (at > 1).then(|| excitation(&first.at("se"), width, width / 4)).transpose()?;
    Ok((Separable::new(large.plus(&small)?, 2, excitation, true)?, expanded(&proj.at(1), width)?))
}

/// x + conv(x): positions that follow from what is around.
fn position(scope: &Scope<'_>, width: usize) -> Result<Separable> {
    let kernel = scope.get("weight", &[width, 1, 7, 7])?;
    let skip = Folded::skip(&Tensor::ones(width, kernel.dtype(), kernel.device())?, 7, true)?;
    let folded = Folded { kernel, bias: scope.get("bias", &[width])? };
    Separable::new(folded.plus(&skip)?, 1, None, false)
}

/// A product of the channels with a skip, each with its batch norm, then gelu.
fn expanded(scope: &Scope<'_>, width: usize) -> Result<Dense> {
    let product = Folded::load(&scope.at("conv_kxk.0"), [width, width, 1, 1])?;
    let (scale, shift) = batch_norm(&scope.at("identity"), width)?;
    let skip = Folded { bias: shift, ..Folded::skip(&scale, 1, false)? };
    let Folded { kernel, bias } = product.plus(&skip)?;
    Ok(Dense::new(&kernel.reshape((width, width))?, &bias)?)
}

/// The k × k branch and the 1 × 1 branch of a block.
fn branches(scope: &Scope<'_>, shape: [usize; 4]) -> Result<Folded> {
    let [outputs, inputs, side, _] = shape;
    let scale = Folded::load(&scope.at("conv_scale"), [outputs, inputs, 1, 1])?.padded(side)?;
    Folded::load(&scope.at("conv_kxk.0"), shape)?.plus(&scale)
}

fn excitation(scope: &Scope<'_>, width: usize, squeezed: usize) -> Result<(Dense, Dense)> {
    let product = |name: &str, inputs, outputs| -> Result<Dense> {
        Ok(Affine::load(&scope.at(name), inputs, outputs, &[1, 1])?.dense()?)
    };
    Ok((product("fc1", width, squeezed)?, product("fc2", squeezed, width)?))
}

impl Separable {
    fn new(folded: Folded, stride: usize, excitation: Option<(Dense, Dense)>, has_gelu: bool) -> Result<Self> {
        Ok(Self { kernel: Depthwise::new(&folded.kernel, stride)?, bias: folded.bias, excitation, has_gelu })
    }

    fn forward(&self, map: &Map) -> Result<Map> {
        let map = self.kernel.forward(map)?;
        let Some((squeeze, excite)) = &self.excitation else {
            match self.has_gelu {
                true => activate(&map.features, &self.bias, Activation::Gelu)?,
                false => add_bias(&map.features, &self.bias)?,
            }
            return Ok(map);
        };
        add_bias(&map.features, &self.bias)?;
        let gates = excite.forward(&squeeze.forward(&map.features.mean_keepdim(1)?)?.relu()?)?;
        let features = map.features.broadcast_mul(&candle_nn::ops::sigmoid(&gates)?)?;
        // The gate stands before the gelu.
        activate(&features, &self.bias.zeros_like()?, Activation::Gelu)?;
        Ok(Map { features, ..map })
    }
}

impl Mixer {
    fn load(width: usize, is_attention: bool, block: &Scope<'_>) -> Result<Self> {
        let (tokens, scale) = match is_attention {
            true => (attending(width, block)?, "layer_scale_2.gamma"),
            false => (TokenMixer::Convolution(mixing(width, &block.at("token_mixer"))?), "layer_scale.gamma"),
        };
        let mlp = block.at("mlp");
        let local = Folded::load(&mlp.at("conv"), [width, 1, 7, 7])?;
        let up = Affine::load(&mlp.at("fc1"), width, 3 * width, &[1, 1])?.after_shift(&local.bias)?.dense()?;
        let down =
            Affine::load(&mlp.at("fc2"), 3 * width, width, &[1, 1])?.scaled(&gamma(block, scale, width)?)?.dense()?;
        Ok(Self { tokens, local: Depthwise::new(&local.kernel, 1)?, up, down })
    }

    fn forward(&self, map: Map) -> Result<Map> {
        let map = match &self.tokens {
            TokenMixer::Convolution(convolution) => convolution.forward(&map)?,
            TokenMixer::Attention { qkv, out } => {
                let mixed = attention(&qkv.forward(&map.features)?, out.outputs() / HEAD, false)?;
                out.add_to(&map.features, &mixed)?;
                map
            }
        };
        let inner = self.up.activated(&self.local.forward(&map)?.features, Activation::Gelu)?;
        self.down.add_to(&map.features, &inner)?;
        Ok(map)
    }
}

/// RepMixer: x + γ (mixer(x) - norm(x)).
fn mixing(width: usize, scope: &Scope<'_>) -> Result<Separable> {
    let skip = |block: &Scope<'_>| {
        let (scale, shift) = batch_norm(&block.at("identity"), width)?;
        Ok::<_, Error>(Folded { bias: shift, ..Folded::skip(&scale, 3, true)? })
    };
    let mixer = scope.at("mixer");
    let mixed = branches(&mixer, [width, 1, 3, 3])?.plus(&skip(&mixer)?)?;
    let minus = skip(&scope.at("norm"))?.times(&Tensor::full(-1.0_f32, width, mixed.bias.device())?)?;
    let branch = mixed.plus(&minus)?.times(&gamma(scope, "layer_scale.gamma", width)?)?;
    let one = Tensor::ones(width, branch.bias.dtype(), branch.bias.device())?;
    Separable::new(branch.plus(&Folded::skip(&one, 3, true)?)?, 1, None, false)
}

/// x + γ proj(attention(norm(x))), with the norm in the first product and γ in the last.
fn attending(width: usize, block: &Scope<'_>) -> Result<TokenMixer> {
    let mixer = block.at("token_mixer");
    let (scale, shift) = batch_norm(&block.at("norm"), width)?;
    let weight = mixer.get("qkv.weight", &[3 * width, width])?;
    let bias = Tensor::zeros(3 * width, weight.dtype(), weight.device())?;
    let qkv = Affine { weight, bias }.after_norm(&scale, &shift)?.dense()?;
    let out = Affine::load(&mixer.at("proj"), width, width, &[])?;
    let out = out.scaled(&gamma(block, "layer_scale_1.gamma", width)?)?.dense()?;
    Ok(TokenMixer::Attention { qkv, out })
}

fn gamma(scope: &Scope<'_>, name: &str, width: usize) -> Result<Tensor> {
    Ok(scope.get(name, &[width, 1, 1])?.flatten_all()?)
}

/// A convolution with what stood around it.
struct Folded {
    /// `[outputs, inputs of one group, side, side]`
    kernel: Tensor,
    bias: Tensor,
}

impl Folded {
    /// A convolution and its batch norm.
    fn load(scope: &Scope<'_>, shape: [usize; 4]) -> Result<Self> {
        let (scale, shift) = batch_norm(&scope.at("bn"), shape[0])?;
        Self { kernel: scope.get("conv.weight", &shape)?, bias: shift.zeros_like()? }.times(&scale)?.shifted(&shift)
    }

    /// Each channel multiplied by its number of `scale`, as a convolution.
    fn skip(scale: &Tensor, side: usize, is_depthwise: bool) -> Result<Self> {
        let width = scale.dim(0)?;
        let centre = match is_depthwise {
            true => scale.reshape((width, 1, 1, 1))?,
            false => Tensor::eye(width, scale.dtype(), scale.device())?
                .broadcast_mul(scale)?
                .reshape((width, width, 1, 1))?,
        };
        Self { kernel: centre, bias: scale.zeros_like()? }.padded(side)
    }

    fn padded(self, side: usize) -> Result<Self> {
        let margin = (side - self.kernel.dim(D::Minus1)?) / 2;
        let kernel =
            self.kernel.pad_with_zeros(D::Minus1, margin, margin)?.pad_with_zeros(D::Minus2, margin, margin)?;
        Ok(Self { kernel, ..self })
    }

    fn plus(&self, other: &Self) -> Result<Self> {
        Ok(Self { kernel: (&self.kernel + &other.kernel)?, bias: (&self.bias + &other.bias)? })
    }

    fn shifted(self, shift: &Tensor) -> Result<Self> {
        Ok(Self { bias: (self.bias + shift)?, ..self })
    }

    /// What comes out, each output multiplied by its number.
    fn times(self, scale: &Tensor) -> Result<Self> {
        let kernel = self.kernel.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
        Ok(Self { kernel, bias: (self.bias * scale)? })
    }
}
