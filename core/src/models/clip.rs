//! CLIP in the layout of transformers (`model_type` "clip"). In: a checkpoint. Out: its encoder. Must never assume what
//! config.json does not say, but for what transformers' CLIPTextConfig and CLIPVisionConfig document as left out.

use serde::Deserialize;

use super::checkpoint::HF_WEIGHTS;
use super::names::{HF_CLIP, canonical};
use super::openclip::clip_tokenizer;
use super::ops::Activation;
use super::position::Resampling;
use super::text_tower::{CausalText, Pooling, TextConfig};
use super::tokenizer::TextTokenizer;
use super::towers::{Towers, with_vocabulary};
use super::transformer::{MlpKind, Size};
use super::vit::{Vit, VitConfig};
use super::{Checkpoint, Encoder, Family};
use crate::error::{Error, Result};

/// CLIPModel.
pub(super) struct Clip;

impl Family for Clip {
    fn name(&self) -> &'static str {
        "clip"
    }

    fn recognises(&self, checkpoint: &Checkpoint) -> bool {
        // Folders made for open_clip carry this config.json too, beside weights under open_clip's names.
        let is_hf = checkpoint.has_weights(HF_WEIGHTS) || !checkpoint.has("open_clip_config.json");
        is_hf && checkpoint.model_type().is_some_and(|kind| kind == "clip")
    }

    fn load(&self, checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>> {
        let config: Config = checkpoint.needed_json("config.json")?;
        let weights = checkpoint.weights(HF_WEIGHTS)?;
        let identity = checkpoint.identity(&weights)?;
        let weights = weights.renamed(|name| canonical(name, HF_CLIP))?;
        let towers = || -> Result<_> {
            let image = Vit::load(config.image(checkpoint)?, &weights.at("visual"))?;
            Ok((image, CausalText::load(config.text(checkpoint)?, &weights.at("text"))?))
        };
        let ((image, text), tokenizer) = with_vocabulary(towers, || config.text_config.tokenizer(checkpoint))?;
        weights.finish()?;
        let (preprocessing, image) = (checkpoint.hf_preprocessing()?, Box::new(image));
        Ok(Box::new(Towers { identity, preprocessing, image, text: Some((tokenizer, Box::new(text))) }))
    }
}

/// config.json; the defaults are those of transformers' CLIPConfig.
#[derive(Deserialize)]
struct Config {
    text_config: Text,
    vision_config: Vision,
    #[serde(default = "n::<512>")]
    projection_dim: usize,
}

#[derive(Deserialize)]
struct Text {
    #[serde(default = "n::<49408>")]
    vocab_size: usize,
    #[serde(default = "n::<77>")]
    max_position_embeddings: usize,
    #[serde(default = "end_of_text")]
    eos_token_id: u32,
    #[serde(default = "n::<512>")]
    hidden_size: usize,
    #[serde(default = "n::<2048>")]
    intermediate_size: usize,
    #[serde(default = "n::<12>")]
    num_hidden_layers: usize,
    #[serde(default = "n::<8>")]
    num_attention_heads: usize,
    #[serde(default = "activation")]
    hidden_act: String,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
}

#[derive(Deserialize)]
struct Vision {
    #[serde(default = "n::<224>")]
    image_size: usize,
    #[serde(default = "n::<32>")]
    patch_size: usize,
    #[serde(default = "n::<768>")]
    hidden_size: usize,
    #[serde(default = "n::<3072>")]
    intermediate_size: usize,
    #[serde(default = "n::<12>")]
    num_hidden_layers: usize,
    #[serde(default = "n::<12>")]
    num_attention_heads: usize,
    #[serde(default = "activation")]
    hidden_act: String,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
}

fn n<const N: usize>() -> usize {
    N
}

fn end_of_text() -> u32 {
    49407
}

fn activation() -> String {
    "quick_gelu".into()
}

fn epsilon() -> f64 {
    1e-5
}

impl Text {
    /// MetaCLIP's repositories have no tokenizer.json, but CLIP's vocabulary in the files of the slow tokenizer.
    fn tokenizer(&self, checkpoint: &Checkpoint) -> Result<TextTokenizer> {
        let context = self.max_position_embeddings;
        let is_clips = self.vocab_size == 49408 && !checkpoint.has("tokenizer.json");
        if is_clips { clip_tokenizer(checkpoint, context) } else { checkpoint.tokenizer(context) }
    }
}

impl Config {
    fn image(&self, checkpoint: &Checkpoint) -> Result<VitConfig> {
        let vision = &self.vision_config;
        let size = Size {
            width: vision.hidden_size,
            depth: vision.num_hidden_layers,
            heads: vision.num_attention_heads,
            inner: vision.intermediate_size,
            mlp: hf_activation(checkpoint, &vision.hidden_act)?,
            epsilon: vision.layer_norm_eps,
            has_layer_scale: false,
            has_qkv_bias: true,
            is_causal: false,
        };
        let side = whole_patches(checkpoint, vision.image_size, vision.patch_size)?;
        Ok(VitConfig {
            size,
            patch: vision.patch_size,
            grid: (side, side),
            has_patch_bias: false,
            registers: 0,
            has_class_position: true,
            has_ln_pre: true,
            projection: Some(self.projection_dim),
            resampling: Resampling::Plain,
            normalises_patches: false,
        })
    }

    fn text(&self, checkpoint: &Checkpoint) -> Result<TextConfig> {
        let text = &self.text_config;
        let size = Size {
            width: text.hidden_size,
            depth: text.num_hidden_layers,
            heads: text.num_attention_heads,
            inner: text.intermediate_size,
            mlp: hf_activation(checkpoint, &text.hidden_act)?,
            epsilon: text.layer_norm_eps,
            has_layer_scale: false,
            has_qkv_bias: true,
            is_causal: true,
        };
        // modeling_clip.py: eos_token_id was 2 by mistake in all configurations of before 2023, so 2 means the old rule.
        let pooling = if text.eos_token_id == 2 { Pooling::LargestId } else { Pooling::First(text.eos_token_id) };
        let (vocabulary, context) = (text.vocab_size, text.max_position_embeddings);
        Ok(TextConfig { size, vocabulary, context, dim: self.projection_dim, pooling })
    }
}

/// The activation that config.json names.
pub(super) fn hf_activation(checkpoint: &Checkpoint, name: &str) -> Result<MlpKind> {
    let unknown = || wrong_config(checkpoint, "config.json", format!("the activation {name:?} is unknown"));
    Activation::from_hf(name).map(MlpKind::Plain).ok_or_else(unknown)
}

/// How many patches there are along a side.
pub(super) fn whole_patches(checkpoint: &Checkpoint, image_size: usize, patch: usize) -> Result<usize> {
    if patch == 0 || image_size < patch || image_size > 1 << 14 {
        let what = format!("pictures of {image_size} pixels cannot be cut into patches of {patch}");
        return Err(wrong_config(checkpoint, "config.json", what));
    }
    Ok(image_size / patch)
}

/// A configuration that no model can be built from.
pub(super) fn wrong_config(checkpoint: &Checkpoint, file: &str, what: impl Into<String>) -> Error {
    let remedy = "Sightline cannot use this model, or the download is damaged";
    Error::bad_file(&checkpoint.file(file), what, remedy)
}
