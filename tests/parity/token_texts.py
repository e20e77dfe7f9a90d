"""The 200 strings whose tokenisation is compared."""

PLAIN = ["a dog in the snow", "A photo of a CAT.", "two people riding bicycles", "sunset over the ocean",
         "black-and-white portrait", "the Eiffel Tower at night", "a bowl of ramen", "birthday party 2019"]
SPACES = ["", " ", "   ", "\t", "\n", "\r\n", "a\tb", "a\nb\nc", "  leading", "trailing  ", "many     spaces",
          "\u00a0no-break\u00a0space", "thin\u2009space", "ideographic\u3000space", "line\u2028separator", "a\u200bb",
          "\ufeffbyte order mark", "vertical\x0btab", "form\x0cfeed", "next\x85line"]
PUNCTUATION = ["!", "!!!", "...", "?!", "a.b.c", "(round) [square] {curly}", "\"quoted\"", "'single'", "“curly” ‘quotes’",
               "—em–en-", "a/b\\c", "a_b", "a|b", "~`^", "@user #tag", "50% off", "$9.99", "€12,50", "£5", "¥1000",
               "1+1=2", "<b>bold</b>", "&amp; &lt;", "a & b", "*star*", ";:,", "…", "•bullet", "©2020", "™®", "§ 3", "‰"]
APOSTROPHES = ["it's", "don't", "we're", "I've", "I'm", "they'll", "he'd", "'s", "'t 're 've", "IT'S", "rock'n'roll",
               "the dogs' toys", "it’s", "o'clock", "'''", "a's's"]
DIGITS = ["0", "42", "2024", "1234567890", "3.14159", "1,000,000", "12:30", "2024-02-29", "007", "x2", "4k video",
          "½ cup", "m²", "H₂O", "Ⅳ", "①②③", "٤٢", "１２３"]
CASES = ["UPPER CASE", "MiXeD CaSe", "ÀÉÎÕÜ", "STRASSE straße ẞ", "İstanbul ıI", "ΑΒΓ Σίσυφος ΣΑΣ", "ПРИВЕТ", "ﬁ ﬂ ligatures",
         "Ǆ ǅ ǆ", "ÆØÅ"]
ACCENTS = ["café", "cafe\u0301", "naïve résumé", "Ångström A\u030angstro\u0308m", "Škoda žába", "Việt Nam", "a\u0301\u0323\u0308",
           "\u0301", "e\u0301\u0301", "ñ n\u0303", "smörgåsbord", "Łódź", "ő ű", "ḱṷṓn", "Zürich", "piñata", "ç ş ğ"]
SCRIPTS = ["一只狗在雪地里", "日落时的海滩", "東京タワー", "ひらがな カタカナ", "ｶﾀｶﾅ half width", "안녕하세요", "\u1112\u1161\u11ab", "сова на дереве",
           "γάτα", "שלום", "مرحبا بالعالم", "مَرْحَبًا", "नमस्ते दुनिया", "สวัสดีครับ", "தமிழ்", "ქართული", "Հայերեն", "ᠮᠣᠩᠭᠣᠯ",
           "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𠮷野家", "ᏣᎳᎩ", "አማርኛ", "བོད", "ខ្មែរ", "abc 中文 def", "中文English混合123", "ｆｕｌｌ ｗｉｄｔｈ"]
EMOJI = ["😀", "🐶 in the ❄️", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇯🇵🇫🇷", "❤", "❤️", "☀☁☂", "🎉🎉🎉", "cat🐱dog", "1️⃣", "🧑🏿‍🚀", "😀😀😀 smile"]
WEB = ["https://example.com/a?b=c&d=e#f", "www.example.org", "name@example.com", "C:\\photos\\IMG_0001.JPG",
       "/home/user/photo.png", "IMG_20240229_123456.jpg", "file:///tmp/x", "192.168.0.1", "{\"key\": [1, 2]}",
       "fn main() { println!(\"hi\"); }", "a=b; c!=d", "<|notatoken|>"]
SPECIALS = ["<|startoftext|>", "<|endoftext|>", "a <|endoftext|> b", "<|STARTOFTEXT|>", "<start_of_text>"]
CONTROL = ["\x00", "a\x01b", "\u202eright to left", "a\u200db", "soft\u00adhyphen", "\ufffd", "\ue000", "\u2060word joiner",
           "\U000e0041tag"]
LONG = ["dog " * 76, "dog " * 75, "dog " * 74, "dog " * 200, "a" * 300, "supercalifragilisticexpialidocious " * 12,
        "雪" * 60, "😀" * 50, "!" * 200, "1" * 100, "the quick brown fox jumps over the lazy dog, " * 9, " " * 100 + "end"]

TEXTS = [*PLAIN, *SPACES, *PUNCTUATION, *APOSTROPHES, *DIGITS, *CASES, *ACCENTS, *SCRIPTS, *EMOJI, *WEB, *SPECIALS,
         *CONTROL, *LONG]
