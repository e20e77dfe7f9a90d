//! What other programs call the tensors of a transformer. In: a name from a file. Out: the canonical name, as vit.rs and
//! text_tower.rs list them. Must never know shapes.

/// Rules in order: what to replace with what.
pub(super) type Rules = &'static [(&'static str, &'static str)];

/// transformers' CLIPModel.
pub(super) const HF_CLIP: Rules = &[
    ("vision_model.embeddings.class_embedding", "visual.class"),
    ("vision_model.embeddings.patch_embedding.", "visual.patch."),
    ("vision_model.embeddings.position_embedding.weight", "visual.positions"),
    ("vision_model.encoder.layers.", "visual.blocks."),
    ("vision_model.pre_layrnorm.", "visual.ln_pre."),
    ("vision_model.post_layernorm.", "visual.ln_post."),
    ("visual_projection.", "visual.projection."),
    ("text_model.embeddings.token_embedding.weight", "text.tokens"),
    ("text_model.embeddings.position_embedding.weight", "text.positions"),
    ("text_model.encoder.layers.", "text.blocks."),
    ("text_model.final_layer_norm.", "text.ln_final."),
    ("text_projection.", "text.projection."),
    (".layer_norm1.", ".ln_1."),
    (".layer_norm2.", ".ln_2."),
    (".self_attn.q_proj.", ".q."),
    (".self_attn.k_proj.", ".k."),
    (".self_attn.v_proj.", ".v."),
    (".self_attn.out_proj.", ".out."),
    (".mlp.fc1.", ".up."),
    (".mlp.fc2.", ".down."),
];

/// OpenAI's and open_clip's, once the text tower's names begin with `text.`.
pub(super) const OPEN_CLIP: Rules = &[
    ("visual.class_embedding", "visual.class"),
    ("visual.positional_embedding", "visual.positions"),
    ("visual.conv1.", "visual.patch."),
    ("visual.transformer.resblocks.", "visual.blocks."),
    ("visual.proj", "visual.projection.transposed"),
    ("text.token_embedding.weight", "text.tokens"),
    ("text.positional_embedding", "text.positions"),
    ("text.transformer.resblocks.", "text.blocks."),
    ("text.text_projection.weight", "text.projection.weight"),
    ("text.text_projection", "text.projection.transposed"),
    (".attn.in_proj_weight", ".qkv.weight"),
    (".attn.in_proj_bias", ".qkv.bias"),
    (".attn.out_proj.", ".out."),
    (".mlp.c_fc.", ".up."),
    (".mlp.c_proj.", ".down."),
    (".ls_1.gamma", ".scale_1"),
    (".ls_2.gamma", ".scale_2"),
];

/// timm's VisionTransformer, under `visual.`; the projection is open_clip's.
pub(super) const TIMM: Rules = &[
    ("visual.trunk.", "visual."),
    ("visual.head.proj.weight", "visual.projection.weight"),
    ("visual.cls_token", "visual.class"),
    ("visual.reg_token", "visual.registers"),
    ("visual.pos_embed", "visual.positions"),
    ("visual.patch_embed.proj.", "visual.patch."),
    ("visual.norm_pre.", "visual.ln_pre."),
    ("visual.norm.", "visual.ln_post."),
    (".norm1.", ".ln_1."),
    (".norm2.", ".ln_2."),
    (".attn.qkv.", ".qkv."),
    (".attn.proj.", ".out."),
    (".mlp.fc1.", ".up."),
    (".mlp.fc2.", ".down."),
    (".ls1.gamma", ".scale_1"),
    (".ls2.gamma", ".scale_2"),
];

/// transformers' Dinov2Model and Dinov2WithRegistersModel.
pub(super) const HF_DINOV2: Rules = &[
    ("embeddings.cls_token", "visual.class"),
    ("embeddings.register_tokens", "visual.registers"),
    ("embeddings.position_embeddings", "visual.positions"),
    ("embeddings.patch_embeddings.projection.", "visual.patch."),
    ("encoder.layer.", "visual.blocks."),
    ("layernorm.", "visual.ln_post."),
    (".norm1.", ".ln_1."),
    (".norm2.", ".ln_2."),
    (".attention.attention.query.", ".q."),
    (".attention.attention.key.", ".k."),
    (".attention.attention.value.", ".v."),
    (".attention.output.dense.", ".out."),
    (".layer_scale1.lambda1", ".scale_1"),
    (".layer_scale2.lambda1", ".scale_2"),
    (".mlp.fc1.", ".up."),
    (".mlp.fc2.", ".down."),
    (".mlp.weights_in.", ".up."),
    (".mlp.weights_out.", ".down."),
];

/// `name` after all rules.
pub(super) fn canonical(name: &str, rules: Rules) -> String {
    rules.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

/// The parts of open_clip's text tower that stand at the root of a file without `custom_text`.
const ROOT_TEXT: [&str; 5] =
    ["token_embedding.", "positional_embedding", "transformer.", "ln_final.", "text_projection"];

/// A name of open_clip's, OpenAI's, or of a timm tower within open_clip.
pub(super) fn open_clip(name: &str) -> String {
    let is_text = ROOT_TEXT.iter().any(|part| name.starts_with(part));
    let name = if is_text { format!("text.{name}") } else { name.to_owned() };
    let is_timm = ["visual.trunk.", "visual.head."].iter().any(|part| name.starts_with(part));
    canonical(&name, if is_timm { TIMM } else { OPEN_CLIP })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(open_clip(name), expected);
    }

    #[test]
    fn both_forms_of_the_text_tower_get_one_name() {
        check("transformer.resblocks.3.attn.in_proj_weight", "text.blocks.3.qkv.weight");
        check("text.transformer.resblocks.3.attn.in_proj_weight", "text.blocks.3.qkv.weight");
        check("text_projection", "text.projection.transposed");
        check("text.text_projection", "text.projection.transposed");
    }

    #[test]
    fn image_towers_of_open_clip_and_timm_get_one_name() {
        check("visual.transformer.resblocks.0.mlp.c_fc.bias", "visual.blocks.0.up.bias");
        check("visual.trunk.blocks.0.mlp.fc1.bias", "visual.blocks.0.up.bias");
        check("visual.proj", "visual.projection.transposed");
        check("visual.head.proj.weight", "visual.projection.weight");
        check("visual.trunk.norm.bias", "visual.ln_post.bias");
        check("logit_scale", "logit_scale");
    }
}
