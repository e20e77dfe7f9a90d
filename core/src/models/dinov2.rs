//! DINOv2, with and without registers, in the layouts of transformers and timm. In: a checkpoint. Out: its encoder, which
//! knows pictures only. Must never know words.
//!
//! An embedding is the class token after the final norm. Of the patch features only the last block's are normalised: these
//! are DINOv2's own patch features; the others are the residual stream.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::checkpoint::HF_WEIGHTS;
use super::clip::{hf_activation, whole_patches, wrong_config};
use super::names::{HF_DINOV2, TIMM, canonical};
use super::position::Resampling;
use super::preprocess::Preprocessing;
use super::timm::{self, Guess};
use super::towers::Towers;
use super::transformer::{MlpKind, Size};
use super::vit::{Vit, VitConfig};
use super::weights::Weights;
use super::{Checkpoint, Encoder, Family};
use crate::error::Result;

/// Dinov2Model, Dinov2WithRegistersModel, and timm's `vit_*_dinov2`.
pub(super) struct DinoV2;

const REGISTERS: &str = "dinov2_with_registers";

impl Family for DinoV2 {
    fn name(&self) -> &'static str {
        "dinov2"
    }

    fn recognises(&self, checkpoint: &Checkpoint) -> bool {
        let is_hf = checkpoint.model_type().is_some_and(|kind| kind == "dinov2" || kind == REGISTERS);
        is_hf || timm_config(checkpoint).is_some()
    }

    fn load(&self, checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>> {
        let weights = checkpoint.weights(HF_WEIGHTS)?;
        let identity = checkpoint.identity(&weights)?;
        let (preprocessing, config, weights) = match timm_config(checkpoint) {
            Some(config) => from_timm(checkpoint, &config, weights)?,
            None => from_hf(checkpoint, weights)?,
        };
        let image = Box::new(Vit::load(config, &weights.at("visual"))?);
        weights.finish()?;
        Ok(Box::new(Towers { identity, preprocessing, image, text: None }))
    }
}

type Parts = (Preprocessing, VitConfig, Weights);

fn from_hf(checkpoint: &Checkpoint, weights: Weights) -> Result<Parts> {
    let config: Config = checkpoint.needed_json("config.json")?;
    let weights = weights.renamed(|name| {
        let inner = name.strip_prefix(&format!("{}.", config.model_type)).unwrap_or(name);
        canonical(inner, HF_DINOV2)
    })?;
    Ok((checkpoint.hf_preprocessing()?, config.image(checkpoint)?, weights))
}

fn timm_config(checkpoint: &Checkpoint) -> Option<TimmConfig> {
    let config: TimmConfig = checkpoint.json("config.json").ok()??;
    config.architecture.contains("dinov2").then_some(config)
}

fn from_timm(checkpoint: &Checkpoint, config: &TimmConfig, weights: Weights) -> Result<Parts> {
    let weights = weights.renamed(|name| canonical(&format!("visual.{name}"), TIMM))?;
    let preprocessing = Preprocessing::from_timm(&config.pretrained_cfg, &checkpoint.file("config.json"))?;
    if let Some(key) = config.model_args.keys().find(|key| !timm::KNOWN_ARGUMENTS.contains(&key.as_str())) {
        return Err(wrong_config(checkpoint, "config.json", format!("the setting {key:?} is unknown")));
    }
    let heads = config.model_args.get("num_heads").and_then(Value::as_u64).map(|heads| heads as usize);
    // Every DINOv2 has heads of 64 (Oquab et al. 2023, table 16).
    let guess = Guess { heads, head_width: 64, epsilon: 1e-6, projection: None, normalises_patches: true };
    let mut image = timm::vit_config(&weights, guess)?;
    if config.architecture.contains("giant") {
        image.size.mlp = MlpKind::SwiGlu;
        image.size.inner /= 2;
    }
    Ok((preprocessing, image, weights))
}

/// config.json as timm writes it.
#[derive(Deserialize)]
struct TimmConfig {
    architecture: String,
    pretrained_cfg: Value,
    #[serde(default)]
    model_args: Map<String, Value>,
}

/// config.json as transformers writes it; the defaults are those of Dinov2Config.
#[derive(Deserialize)]
#[serde(default)]
struct Config {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    mlp_ratio: f64,
    hidden_act: String,
    layer_norm_eps: f64,
    image_size: usize,
    patch_size: usize,
    qkv_bias: bool,
    use_swiglu_ffn: bool,
    /// Four in Dinov2WithRegistersConfig, which alone has them.
    num_register_tokens: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model_type: String::new(),
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            mlp_ratio: 4.0,
            hidden_act: "gelu".into(),
            layer_norm_eps: 1e-6,
            image_size: 224,
            patch_size: 14,
            qkv_bias: true,
            use_swiglu_ffn: false,
            num_register_tokens: 4,
        }
    }
}

impl Config {
    fn image(&self, checkpoint: &Checkpoint) -> Result<VitConfig> {
        let has_registers = self.model_type == REGISTERS;
        let side = whole_patches(checkpoint, self.image_size, self.patch_size)?;
        Ok(VitConfig {
            size: self.size(checkpoint)?,
            patch: self.patch_size,
            grid: (side, side),
            has_patch_bias: true,
            registers: if has_registers { self.num_register_tokens } else { 0 },
            has_class_position: true,
            has_ln_pre: false,
            projection: None,
            resampling: if has_registers { Resampling::Antialiased } else { Resampling::Plain },
            normalises_patches: true,
        })
    }

    fn size(&self, checkpoint: &Checkpoint) -> Result<Size> {
        let inner = (self.hidden_size as f64 * self.mlp_ratio) as usize;
        // modeling_dinov2.py, Dinov2SwiGLUFFN: two thirds, rounded up to a multiple of 8.
        let gated = (inner as f64 * 2.0 / 3.0) as usize;
        let (mlp, inner) = match self.use_swiglu_ffn {
            true => (MlpKind::SwiGlu, gated.div_ceil(8) * 8),
            false => (hf_activation(checkpoint, &self.hidden_act)?, inner),
        };
        Ok(Size {
            width: self.hidden_size,
            depth: self.num_hidden_layers,
            heads: self.num_attention_heads,
            inner,
            mlp,
            epsilon: self.layer_norm_eps,
            has_layer_scale: true,
            has_qkv_bias: self.qkv_bias,
            is_causal: false,
        })
    }
}
