//! Models for hire.

use super::{Kind, kind};
use crate::case::secret;
use crate::rng::{BASE64URL, LOWER, Rng, UPPER};

pub(super) const KINDS: [Kind; 9] = [
    kind("openai key", openai).names(&["openai api key", "openai key", "api key"]).bare().own(&[
        |rng| format!("Authorization: Bearer {}", secret(openai(rng))),
        |rng| {
            format!(
                "Incorrect API key provided: {}. You can find your API key at https://platform.example.com.",
                secret(openai(rng))
            )
        },
    ]),
    kind("anthropic key", |rng| {
        format!("sk-ant-{}-{}AA", rng.pick(&["api03", "admin01", "oat01"]), rng.of(BASE64URL, 93))
    })
    .names(&["anthropic api key", "claude api key"])
    .header("x-api-key")
    .bare(),
    kind("hugging face token", |rng| {
        let set = format!("{LOWER}{UPPER}");
        format!("{}{}", rng.pick(&["hf_", "hf_", "api_org_"]), rng.of(&set, 34))
    })
    .names(&["hf token", "hugging face hub token", "huggingface token"])
    .bare(),
    kind("groq key", |rng| format!("gsk_{}", rng.alnum(52))).names(&["groq api key", "groq key"]).bare(),
    kind("xai key", |rng| format!("xai-{}", rng.alnum(80))).names(&["xai api key", "grok key"]).bare(),
    kind("perplexity key", |rng| format!("pplx-{}", rng.alnum(48))).names(&["perplexity api key", "pplx key"]).bare(),
    kind("openrouter key", |rng| format!("sk-or-v1-{}", rng.hex(64)))
        .names(&["openrouter api key", "openrouter key"])
        .bare(),
    kind("replicate token", |rng| format!("r8_{}", rng.alnum(37)))
        .names(&["replicate api token", "replicate token"])
        .bare(),
    kind("nvidia key", |rng| format!("nvapi-{}", rng.of(BASE64URL, 64)))
        .names(&["nvidia api key", "ngc api key"])
        .bare(),
];

fn openai(rng: &mut Rng) -> String {
    match rng.below(3) {
        0 => format!("sk-{}T3BlbkFJ{}", rng.alnum(20), rng.alnum(20)),
        1 => format!(
            "sk-{}-{}T3BlbkFJ{}",
            rng.pick(&["proj", "svcacct", "admin"]),
            rng.of(BASE64URL, 74),
            rng.of(BASE64URL, 74)
        ),
        _ => format!("sk-proj-{}T3BlbkFJ{}", rng.of(BASE64URL, 58), rng.of(BASE64URL, 58)),
    }
}
