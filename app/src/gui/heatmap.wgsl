// Raw scores of a part's pixels, in the fixed colours of its product. One quad over what is seen of the picture.

struct Uniforms {
    // What is seen of the map: the upper left and the lower right corner, in fractions of its sides.
    seen: vec4<f32>,
    // The scores at the two ends of the colours.
    scale: vec2<f32>,
    // Lower scores are not seen.
    lowest: f32,
    opacity: f32,
    // Which row of the colours.
    table: u32,
    // 1: the target converts to sRGB by itself.
    is_linear: u32,
    // 1: a pixel of the map is larger than one of the screen.
    is_enlarged: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> uniforms: Uniforms;
@group(0) @binding(1) var scores: texture_2d<f32>;
@group(0) @binding(2) var colours: texture_2d<f32>;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) place: vec2<f32>,
}

@vertex
fn corner(@builtin(vertex_index) index: u32) -> Corner {
    let at = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    var out: Corner;
    out.position = vec4<f32>(2.0 * at.x - 1.0, 1.0 - 2.0 * at.y, 0.0, 1.0);
    out.place = mix(uniforms.seen.xy, uniforms.seen.zw, at);
    return out;
}

fn score_at(at: vec2<i32>) -> f32 {
    let size = vec2<i32>(textureDimensions(scores));
    return textureLoad(scores, clamp(at, vec2<i32>(0), size - 1), 0).r;
}

fn bilinear(first: vec2<i32>, between: vec2<f32>) -> f32 {
    let above = mix(score_at(first), score_at(first + vec2<i32>(1, 0)), between.x);
    let below = mix(score_at(first + vec2<i32>(0, 1)), score_at(first + vec2<i32>(1, 1)), between.x);
    return mix(above, below, between.y);
}

// Catmull-Rom: it goes through the scores themselves, so that the highest stays as high as it is.
fn weights(t: f32) -> vec4<f32> {
    let t2 = t * t;
    let t3 = t2 * t;
    return 0.5 * vec4<f32>(-t3 + 2.0 * t2 - t, 3.0 * t3 - 5.0 * t2 + 2.0, -3.0 * t3 + 4.0 * t2 + t, t3 - t2);
}

fn bicubic(first: vec2<i32>, between: vec2<f32>) -> f32 {
    let across = weights(between.x);
    let down = weights(between.y);
    var sum = 0.0;
    for (var row = 0; row < 4; row++) {
        let y = row - 1;
        let line = vec4<f32>(
            score_at(first + vec2<i32>(-1, y)),
            score_at(first + vec2<i32>(0, y)),
            score_at(first + vec2<i32>(1, y)),
            score_at(first + vec2<i32>(2, y)),
        );
        sum += down[row] * dot(line, across);
    }
    return sum;
}

fn linear_from_gamma(gamma: vec3<f32>) -> vec3<f32> {
    let low = gamma / 12.92;
    let high = pow((gamma + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, gamma < vec3<f32>(0.04045));
}

@fragment
fn heat(in: Corner) -> @location(0) vec4<f32> {
    let at = in.place * vec2<f32>(textureDimensions(scores)) - 0.5;
    let first = vec2<i32>(floor(at));
    var score = 0.0;
    if uniforms.is_enlarged == 1u {
        score = bicubic(first, fract(at));
    } else {
        score = bilinear(first, fract(at));
    }
    let span = max(uniforms.scale.y - uniforms.scale.x, 1e-12);
    let place = clamp((score - uniforms.scale.x) / span, 0.0, 1.0);
    let steps = textureDimensions(colours).x;
    let colour = textureLoad(colours, vec2<i32>(i32(place * f32(steps - 1u) + 0.5), i32(uniforms.table)), 0);
    // Not a hard edge: the first three tenths of the scale above the lowest score come up gently.
    let seen = clamp((score - uniforms.lowest) / (0.3 * span), 0.0, 1.0);
    let alpha = uniforms.opacity * seen * colour.a;
    var rgb = colour.rgb;
    if uniforms.is_linear == 1u {
        rgb = linear_from_gamma(rgb);
    }
    return vec4<f32>(rgb * alpha, alpha);
}
