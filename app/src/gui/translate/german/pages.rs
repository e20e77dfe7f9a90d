//! The pages beside the photos: the map, duplicates, learnt tags, models, problems, the empty page; and what is asked.

/// English and German.
pub const WORDS: super::Words = &[
    ("Map", "Karte"),
    ("Add {}", "{} hinzufügen"),
    ("Look at the models", "Modelle ansehen"),
    (
        "The built-in model works at once and is small. Larger ones find more; each shows its size and its licence, \
         and is fetched only when you ask for it.",
        "Das eingebaute Modell läuft sofort und ist klein. Größere finden mehr; jedes zeigt Größe und Lizenz und wird nur \
         geladen, wenn du es willst.",
    ),
    ("Jobs", "Aufgaben"),
    (
        "Without training, as published: {} % of ImageNet's photos named, {} % of COCO's captions find their photo first",
        "Ohne Training, wie veröffentlicht: {} % der ImageNet-Fotos benannt, {} % der COCO-Texte finden ihr Foto zuerst",
    ),
    ("{} photos a second on this machine", "{} Fotos je Sekunde auf diesem Rechner"),
    ("Stop measuring", "Messung abbrechen"),
    (
        "Photos are computed in 8 bits. The index in 32 bits is kept.",
        "Fotos werden mit 8 Bit berechnet. Der Index mit 32 Bit bleibt.",
    ),
    ("Back to 32 bits", "Zurück zu 32 Bit"),
    ("Comparing 8 bits with 32", "8 Bit werden mit 32 verglichen"),
    ("Stop comparing", "Vergleich abbrechen"),
    ("Try 8 bits on your photos", "8 Bit an deinen Fotos erproben"),
    (
        "Computes up to 100 of your photos both ways and says what would change. Nothing is changed.",
        "Berechnet bis zu 100 deiner Fotos auf beide Arten und sagt, was anders würde. Geändert wird nichts.",
    ),
    ("Compute in 8 bits", "Mit 8 Bit rechnen"),
    ("8 bits: {} photos a second instead of {}, {} times", "8 Bit: {} Fotos je Sekunde statt {}, {}-mal so viele"),
    (
        "On {} the vectors agree to a cosine of {} at least",
        "Bei {} stimmen die Vektoren mindestens bis zum Kosinus {} überein",
    ),
    ("{} % of their nearest {} stay the same", "{} % ihrer nächsten {} bleiben gleich"),
    (
        "Layers with outliers, which 8 bits render coarsely: {}",
        "Schichten mit Ausreißern, die 8 Bit grob wiedergeben: {}",
    ),
    ("{} could not be used", "{} nicht verwendbar"),
    ("Measure how fast it is here", "Tempo auf diesem Rechner messen"),
    ("Nothing goes on now.", "Gerade läuft nichts."),
    ("Indexing ended before the first photo", "Das Indizieren endete vor dem ersten Foto"),
    ("{} ended at {}; what was done stays", "{}: bei {} beendet; was fertig ist, bleibt"),
    ("Indexing {}", "Indizieren: {}"),
    ("{} found by their previews until then", "{} bis dahin nach ihrem Vorschaubild gefunden"),
    ("Pause", "Pausieren"),
    ("Go on", "Weiter"),
    ("paused", "pausiert"),
    ("{} waits for its turn", "{} wartet, bis es an der Reihe ist"),
    ("Map of the library", "Karte der Bibliothek"),
    (
        "Wheel: closer. Drag: move. Shift and drag: draw a line around photos to see them.",
        "Mausrad: näher. Ziehen: verschieben. Umschalt und ziehen: Fotos umkreisen, um sie zu sehen.",
    ),
    (
        "The points need a graphics card; come closer to see photos",
        "Die Punkte brauchen eine Grafikkarte; näher heran zeigen sich Fotos",
    ),
    ("Stop refining the map", "Karte nicht weiter verfeinern"),
    ("Draw anew", "Neu zeichnen"),
    ("All of it", "Ganz zeigen"),
    ("Drawing the map …", "Karte wird gezeichnet …"),
    ("There is no map yet", "Es gibt noch keine Karte"),
    ("{} of the map", "{} von der Karte"),
    ("Duplicates", "Duplikate"),
    ("No duplicates", "Keine Duplikate"),
    (
        "No two photos of your library are the same, or look it.",
        "Keine zwei Fotos deiner Bibliothek sind gleich oder sehen so aus.",
    ),
    ("Photos that are nearly the same", "Fast gleiche Fotos"),
    (
        "Sightline compares what is in the files, and what is on the photos.",
        "Sightline vergleicht, was in den Dateien steht und was auf den Fotos ist.",
    ),
    ("Look for duplicates", "Duplikate suchen"),
    ("Looking for duplicates …", "Duplikate werden gesucht …"),
    (
        "Photos are compared by what is in the files and by what is on them. Go on working meanwhile.",
        "Verglichen wird, was in den Dateien steht und was auf den Fotos ist. Du kannst solange weiterarbeiten.",
    ),
    ("Stop", "Abbrechen"),
    ("{} of photos that are the same or look alike", "{} mit gleichen oder ähnlichen Fotos"),
    ("Move {} to the trash …", "{} in den Papierkorb …"),
    ("Look again", "Erneut suchen"),
    (
        "The best one of each group comes first. A click on a photo lets it go, or stay. Nothing is deleted without \
         your word.",
        "Das beste jeder Gruppe steht vorn. Ein Klick auf ein Foto gibt es frei oder behält es. Ohne dein Wort wird \
         nichts gelöscht.",
    ),
    ("{} could not be compared: no thumbnail yet.", "Nicht verglichen, noch ohne Vorschaubild: {}."),
    ("The same file", "Dieselbe Datei"),
    ("The same picture", "Dasselbe Bild"),
    ("Look alike", "Sehen gleich aus"),
    ("The first one {}", "Das erste {}"),
    ("is on a drive that is there", "liegt auf einem verfügbaren Laufwerk"),
    ("is a favourite", "ist ein Favorit"),
    ("has the most pixels", "hat die meisten Pixel"),
    ("is the sharpest", "ist das schärfste"),
    ("is the largest file", "ist die größte Datei"),
    ("is the oldest", "ist das älteste"),
    ("comes first by name", "kommt dem Namen nach zuerst"),
    ("Move {} to the trash?", "{} in den Papierkorb verschieben?"),
    (
        "They can be taken out of the system's trash again. Tags, stars and notes are kept for that.",
        "Aus dem Papierkorb des Systems lassen sie sich zurückholen. Schlagwörter, Sterne und Notizen bleiben dafür \
         erhalten.",
    ),
    ("and {} more", "und {} weitere"),
    ("Move to the trash", "In den Papierkorb"),
    ("Keep them", "Behalten"),
    ("{} moved to the trash", "{} in den Papierkorb verschoben"),
    ("{} copied", "{} kopiert"),
    ("Written: {}", "Geschrieben: {}"),
    ("Where to write", "Wohin geschrieben wird"),
    (
        "this desktop has no dialog to choose a folder with; install zenity",
        "diese Arbeitsumgebung hat keinen Dialog, um einen Ordner zu wählen; installiere zenity",
    ),
    ("Photos that “{}” may fit", "Fotos, zu denen „{}“ passen könnte"),
    ("Learning from the photos that have the tag …", "Lernt aus den Fotos mit dem Schlagwort …"),
    (
        "No other photo seems to fit. Tag a few more by hand, and look again.",
        "Kein weiteres Foto scheint zu passen. Gib noch einigen von Hand das Schlagwort und versuche es erneut.",
    ),
    ("Nothing to suggest", "Keine Vorschläge"),
    (
        "Learnt at once from the photos that have the tag, those you refused, and the tag's name.",
        "Gelernt aus den Fotos mit dem Schlagwort, den abgelehnten und dem Namen des Schlagworts.",
    ),
    (
        "With each example left out in turn, {} were put on the right side; {} refused.",
        "Lässt man jedes Beispiel einmal weg, werden {} richtig zugeordnet; {} abgelehnt.",
    ),
    ("{} has the tag", "{} hat das Schlagwort"),
    ("{} does not", "{} hat es nicht"),
    ("likely", "wahrscheinlich"),
    ("less likely", "weniger wahrscheinlich"),
    ("{}\nnearest examples: {}", "{}\nähnlichste Beispiele: {}"),
    ("Models", "Modelle"),
    (
        "A model looks at every photo once. Another one makes an index of its own beside the old one, which stays \
         until you remove it. A model is fetched from the hub only when you ask for it, and never by itself.",
        "Ein Modell sieht sich jedes Foto einmal an. Ein anderes legt einen eigenen Index neben dem alten an, der \
         bleibt, bis du ihn entfernst. Ein Modell wird nur auf deinen Wunsch vom Hub geladen, nie von selbst.",
    ),
    ("in use", "in Gebrauch"),
    ("built in", "eingebaut"),
    ("your own folder", "eigener Ordner"),
    ("on this machine", "auf diesem Rechner"),
    ("can be fetched", "kann geladen werden"),
    ("{} numbers a photo", "{} Zahlen pro Foto"),
    ("licence {}", "Lizenz {}"),
    ("Stop fetching", "Laden abbrechen"),
    ("Download", "Herunterladen"),
    ("Fetch {}", "{} laden"),
    ("Use this model", "Dieses Modell verwenden"),
    ("Problems", "Probleme"),
    ("No problems", "Keine Probleme"),
    ("Every file of your folders could be used.", "Jede Datei deiner Ordner konnte verwendet werden."),
    (
        "These files were left out. Everything else is indexed and searchable.",
        "Diese Dateien wurden ausgelassen. Alles andere ist indiziert und durchsuchbar.",
    ),
    ("Try again", "Erneut versuchen"),
    (
        "Looks at all folders again; files that changed are read anew",
        "Sieht alle Ordner noch einmal durch; geänderte Dateien werden neu gelesen",
    ),
    ("Copy the list", "Liste kopieren"),
    ("Save as CSV …", "Als CSV speichern …"),
    ("Choose a missing photo …", "Ein fehlendes Foto wählen …"),
    (
        "Is a photo missing? Choose it or drop it here, and Sightline says why.",
        "Fehlt ein Foto? Leg es hier ab, und Sightline sagt, warum.",
    ),
    ("Find your photos by what is on them", "Finde deine Fotos nach dem, was darauf ist"),
    (
        "Add a folder, or drop one here. Sightline looks at every photo once, on this machine, and finds it again by \
         what you say is on it. Your photos are never changed and never leave this machine.",
        "Füge einen Ordner hinzu oder leg ihn hier ab. Sightline sieht sich jedes Foto einmal an, auf diesem Rechner, \
         und findet es nach dem wieder, was darauf ist. Deine Fotos werden nie verändert und verlassen nie diesen \
         Rechner.",
    ),
    ("or type its path", "oder gib seinen Pfad ein"),
    (
        "Photos appear here as they are indexed, and can be searched at once. You can go on working meanwhile.",
        "Fotos erscheinen hier, sobald sie indiziert sind, und lassen sich sofort durchsuchen. Du kannst solange \
         weiterarbeiten.",
    ),
    ("Starting …", "Beginnt …"),
    ("No photos here", "Keine Fotos hier"),
    (
        "Your folders hold no pictures that Sightline knows. Add another folder.",
        "Deine Ordner enthalten keine Bilder, die Sightline kennt. Füge einen weiteren Ordner hinzu.",
    ),
    (
        "None of the pictures in your folders could be used; the problems say why.",
        "Keines der Bilder in deinen Ordnern konnte verwendet werden; die Probleme sagen, warum.",
    ),
    ("Show problems", "Probleme zeigen"),
    ("All photos are filtered out", "Alle Fotos sind ausgefiltert"),
    (
        "There are photos in your library, but none that match in {}.",
        "In deiner Bibliothek sind Fotos, aber keine passenden in {}.",
    ),
    (
        "There are photos in your library, but none of them is what the filters ask for.",
        "In deiner Bibliothek sind Fotos, aber keines erfüllt die Filter.",
    ),
    ("Look at all photos", "Alle Fotos ansehen"),
    ("No match", "Kein Treffer"),
    (
        "Nothing in your library matches. Try other words, or a picture.",
        "Nichts in deiner Bibliothek passt. Versuche andere Wörter oder ein Bild.",
    ),
    ("Show all photos", "Alle Fotos zeigen"),
];
