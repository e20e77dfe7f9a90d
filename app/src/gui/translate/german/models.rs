//! What the list of models says of each: data of the engine, not of the window.

use super::Words;

pub const WORDS: Words = &[
    (
        "There at once, offline, small and quick; every other model finds more. Of 159 photos it has the right one first \
         for 30 % of their captions, among the first ten for 87 %",
        "Sofort da, ohne Netz, klein und schnell; jedes andere Modell findet mehr. Von 159 Fotos hat es für 30 % ihrer \
         Bildunterschriften das richtige an erster Stelle, für 87 % unter den ersten zehn",
    ),
    ("A folder that you added", "Ein Ordner, den du hinzugefügt hast"),
    (
        "The classic: quick, well understood, good on everyday photos",
        "Der Klassiker: schnell, gut verstanden, gut bei Alltagsfotos",
    ),
    (
        "Finer patches than B/32: smaller things are found, at four times the work",
        "Feinere Felder als B/32: Kleineres wird gefunden, bei vierfachem Rechenaufwand",
    ),
    (
        "Best of OpenAI's at 224 pixels; wants a fast machine",
        "Das beste von OpenAI bei 224 Pixeln; braucht einen schnellen Rechner",
    ),
    (
        "Text in pictures and small details; the slowest of this list",
        "Schrift in Bildern und kleine Einzelheiten; das langsamste dieser Liste",
    ),
    (
        "Convolutional: its stages make fine patch features for inspection",
        "Ein Faltungsnetz: seine Stufen geben feine Merkmale der Felder für die Prüfung",
    ),
    ("Convolutional and deeper, with short embeddings", "Ein tieferes Faltungsnetz mit kurzen Vektoren"),
    (
        "The convolutional tower nearest to B/16, at 288 pixels",
        "Das Faltungsnetz, das B/16 am nächsten kommt, bei 288 Pixeln",
    ),
    (
        "As quick as OpenAI's B/32 and better at finding photos by caption",
        "So schnell wie B/32 von OpenAI und besser, wenn Fotos nach Bildunterschriften gesucht werden",
    ),
    (
        "The best balance of speed and quality for a large photo library",
        "Das beste Verhältnis von Tempo und Güte für eine große Fotosammlung",
    ),
    (
        "B/32 on openly curated data; non-commercial",
        "B/32, mit offen zusammengestellten Daten trainiert; nicht kommerziell",
    ),
    (
        "B/16 on openly curated data; non-commercial",
        "B/16, mit offen zusammengestellten Daten trainiert; nicht kommerziell",
    ),
    ("The strongest B/16 of CLIP's own shape", "Das stärkste B/16 in CLIPs eigener Form"),
    (
        "Captions and fine distinctions; clearly better retrieval than CLIP B/16",
        "Bildunterschriften und feine Unterschiede; findet deutlich besser als CLIP B/16",
    ),
    (
        "Queries in many languages, and the best retrieval of this list",
        "Suchen in vielen Sprachen, und die besten Treffer dieser Liste",
    ),
    (
        "Small and quick, with the quality of a much larger model",
        "Klein und schnell, mit der Güte eines viel größeren Modells",
    ),
    ("A little larger than S1 and a little better", "Etwas größer als S1 und etwas besser"),
    ("Queries in Chinese", "Suchen auf Chinesisch"),
    ("Pictures by picture, and inspection; knows no words", "Bilder nach Bild, und Prüfung; kennt keine Wörter"),
    ("As the small one, better and slower", "Wie das kleine, besser und langsamer"),
    (
        "Cleaner patch features than without registers: inspection",
        "Sauberere Merkmale der Felder als ohne Register: Prüfung",
    ),
    ("your own to know", "nur dir bekannt"),
    (
        "MIT (OpenAI; the card asks for a study of the use before deployment)",
        "MIT (OpenAI; die Modellkarte bittet, die Verwendung vor dem Einsatz zu untersuchen)",
    ),
    ("MIT (the project's; the hub's card names none)", "MIT (die des Projekts; die Modellkarte nennt keine)"),
    ("apple-amlr (Apple, for research)", "apple-amlr (Apple, für die Forschung)"),
    ("CC-BY-NC-4.0 (not for commercial use)", "CC-BY-NC-4.0 (nicht für kommerzielle Zwecke)"),
];
