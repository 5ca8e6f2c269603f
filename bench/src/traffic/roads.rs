//! Which way people come: what the page before says of itself, and what the link itself carries.

use fastrand::Rng;

use crate::zipf::Zipf;

/// What a click identifier is made of.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Sites of their own that link here.
const BLOGS: usize = 400;
/// Campaigns that run at a time.
const CAMPAIGNS: usize = 40;

/// How a visitor has come.
#[derive(Clone, Default)]
pub(super) struct Road {
    /// `Referer`.
    pub(super) referrer: String,
    /// The short link's own query.
    pub(super) query: String,
}

/// Draws roads.
pub(super) struct Roads {
    blogs: Zipf,
    campaigns: Zipf,
}

impl Roads {
    /// All there are.
    pub(super) fn new() -> Self {
        Self {
            blogs: Zipf::of(BLOGS),
            campaigns: Zipf::of(CAMPAIGNS),
        }
    }

    /// Draws one, as of a hundred clicks so many come each way.
    pub(super) fn draw(&self, random: &mut Rng) -> Road {
        let plain = |referrer: &str| Road {
            referrer: referrer.into(),
            query: String::new(),
        };
        match random.u32(..100) {
            // Messengers, mail programs and what was typed say nothing.
            0..34 => Road::default(),
            34..50 => plain("https://l.instagram.com/"),
            50..58 => plain("https://www.google.com/"),
            58..64 => plain("http://m.facebook.com/"),
            64..68 => Road {
                referrer: "https://l.facebook.com/".into(),
                query: format!("fbclid=IwZXh0bgNhZW0CMTEAAR{}", noise(56, random)),
            },
            68..71 => plain(&format!("https://t.co/{}", noise(10, random))),
            71..74 => plain("https://www.youtube.com/"),
            74..76 => plain("android-app://com.google.android.gm/"),
            76..86 => Road {
                referrer: String::new(),
                query: self.tags("newsletter", "email", random),
            },
            86..91 => Road {
                referrer: "https://www.instagram.com/".into(),
                query: self.tags("instagram", "social", random),
            },
            91..93 => Road {
                referrer: "https://www.google.com/".into(),
                query: format!(
                    "{}&gclid=Cj0KCQ{}",
                    self.tags("google", "cpc", random),
                    noise(80, random)
                ),
            },
            _ => {
                let blog = self.blogs.draw(random);
                let post = random.u32(..20);
                plain(&format!(
                    "https://blog-{blog}.example/posts/what-we-like-{post}"
                ))
            }
        }
    }

    fn tags(&self, source: &str, medium: &str, random: &mut Rng) -> String {
        let campaign = self.campaigns.draw(random);
        let content = if random.bool() { "button" } else { "picture" };
        format!(
            "utm_source={source}&utm_medium={medium}&utm_campaign=campaign-{campaign}&utm_content={content}"
        )
    }
}

fn noise(length: usize, random: &mut Rng) -> String {
    let letter = |_| char::from(BASE64[random.usize(..BASE64.len())]);
    (0..length).map(letter).collect()
}
