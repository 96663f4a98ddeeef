"""What Larkmoor sells: the hand-written list that `generate` makes products and variants from."""

from __future__ import annotations

from typing import NamedTuple

SHOES = ("38", "39", "40", "41", "42", "43")
WEAR = ("XS", "S", "M", "L", "XL")


class Article(NamedTuple):
    """One product: its price in its plainest variant, its warranty, and the options it comes in."""

    name: str
    category: str
    price: float
    warranty_months: int
    options: dict[str, tuple[str, ...]]


# An article a line reads like the list it is.
# fmt: off
CATALOG = (
    Article("Fellside Hiking Boots", "outdoor", 139.0, 24, {"size": SHOES, "color": ("moss", "slate")}),
    Article("Brook Trail Runners", "outdoor", 98.0, 12, {"size": SHOES, "color": ("coral", "ink")}),
    Article("Two-Person Ridge Tent", "outdoor", 264.0, 36,
            {"fabric": ("polyester", "nylon"), "color": ("sand", "pine")}),
    Article("Down Sleeping Bag", "outdoor", 189.0, 24,
            {"comfort": ("5 C", "0 C", "-8 C"), "length": ("regular", "long")}),
    Article("Packable Rain Shell", "outdoor", 112.0, 24, {"size": WEAR, "color": ("mustard", "navy")}),
    Article("Merino Base Layer", "outdoor", 64.0, 0, {"size": WEAR, "color": ("charcoal", "rust")}),
    Article("Summit Rucksack", "outdoor", 128.0, 60, {"volume": ("28 l", "38 l", "50 l"), "color": ("black", "fern")}),
    Article("Folding Trekking Poles", "outdoor", 72.0, 24,
            {"length": ("110 cm", "120 cm", "130 cm"), "shaft": ("alloy", "carbon")}),
    Article("Insulated Bottle", "outdoor", 31.0, 12,
            {"volume": ("500 ml", "750 ml", "1 l"), "color": ("white", "teal", "plum")}),
    Article("Enamelled Casserole", "kitchen", 156.0, 120,
            {"volume": ("3 l", "4.5 l", "6 l"), "color": ("cream", "brick")}),
    Article("Carbon Steel Pan", "kitchen", 58.0, 60,
            {"diameter": ("20 cm", "24 cm", "28 cm"), "handle": ("steel", "beech")}),
    Article("Burr Coffee Grinder", "kitchen", 134.0, 24,
            {"burrs": ("steel", "ceramic"), "color": ("black", "silver", "sage")}),
    Article("Gooseneck Kettle", "kitchen", 87.0, 24, {"volume": ("0.8 l", "1.2 l"), "finish": ("matte", "copper")}),
    Article("Chef's Knife", "kitchen", 94.0, 60, {"blade": ("16 cm", "20 cm", "24 cm"), "handle": ("walnut", "resin")}),
    Article("Stand Mixer", "kitchen", 319.0, 36,
            {"bowl": ("glass", "steel"), "color": ("ivory", "tomato", "graphite")}),
    Article("Stoneware Plate Set", "kitchen", 76.0, 0, {"pieces": ("4", "6", "8"), "glaze": ("oat", "indigo")}),
    Article("Bread Proofing Basket", "kitchen", 24.0, 0, {"shape": ("round", "oval"), "size": ("500 g", "1 kg")}),
    Article("Cast Iron Griddle", "kitchen", 69.0, 60, {"length": ("33 cm", "45 cm"), "surface": ("flat", "ribbed")}),
    Article("Cordless Drill", "workshop", 148.0, 36, {"voltage": ("12 V", "18 V"), "batteries": ("1", "2")}),
    Article("Random Orbit Sander", "workshop", 91.0, 36, {"disc": ("125 mm", "150 mm"), "power": ("mains", "battery")}),
    Article("Bench Vice", "workshop", 117.0, 60, {"jaw": ("100 mm", "125 mm", "150 mm"), "base": ("fixed", "swivel")}),
    Article("Chisel Set", "workshop", 82.0, 24, {"pieces": ("4", "6"), "handle": ("ash", "polymer")}),
    Article("Socket Set", "workshop", 103.0, 60, {"pieces": ("46", "94", "150"), "units": ("metric", "mixed")}),
    Article("Laser Measure", "workshop", 79.0, 24, {"range": ("30 m", "50 m", "100 m"), "color": ("orange", "grey")}),
    Article("Work Trousers", "workshop", 68.0, 0, {"size": WEAR, "color": ("khaki", "black")}),
    Article("Safety Shoes", "workshop", 96.0, 12, {"size": SHOES, "cut": ("low", "mid")}),
    Article("Headlamp", "workshop", 45.0, 24, {"brightness": ("300 lm", "600 lm"), "power": ("AAA", "USB-C")}),
    Article("Standing Desk Frame", "desk", 342.0, 60,
            {"width": ("120 cm", "140 cm", "160 cm"), "color": ("white", "black")}),
    Article("Mesh Office Chair", "desk", 276.0, 60,
            {"arms": ("fixed", "adjustable"), "color": ("grey", "blue", "black")}),
    Article("Mechanical Keyboard", "desk", 124.0, 24,
            {"switch": ("quiet", "tactile", "linear"), "layout": ("compact", "full")}),
    Article("Vertical Mouse", "desk", 59.0, 24, {"hand": ("left", "right"), "link": ("wired", "wireless")}),
    Article("Monitor Arm", "desk", 88.0, 60, {"screens": ("1", "2"), "mount": ("clamp", "grommet")}),
    Article("Task Lamp", "desk", 66.0, 24, {"light": ("warm", "neutral"), "color": ("brass", "black", "white")}),
    Article("Document Scanner", "desk", 231.0, 24, {"feeder": ("20 sheets", "50 sheets"), "link": ("USB", "Wi-Fi")}),
    Article("Felt Desk Mat", "desk", 34.0, 0, {"length": ("60 cm", "80 cm", "100 cm"), "color": ("stone", "forest")}),
    Article("Notebook Bundle", "desk", 22.0, 0, {"ruling": ("lined", "dotted", "plain"), "cover": ("soft", "hard")}),
    Article("Bookshelf Speakers", "sound", 298.0, 36,
            {"finish": ("oak", "walnut", "white"), "power": ("passive", "active")}),
    Article("Over-Ear Headphones", "sound", 187.0, 24, {"type": ("open", "closed"), "color": ("black", "bone")}),
    Article("Sport Earbuds", "sound", 99.0, 24, {"fit": ("hook", "wing"), "color": ("lime", "black", "white")}),
    Article("Turntable", "sound", 336.0, 36, {"drive": ("belt", "direct"), "finish": ("ash", "black")}),
    Article("Podcast Microphone", "sound", 142.0, 24, {"link": ("USB", "XLR"), "color": ("black", "white")}),
    Article("Pocket Radio", "sound", 53.0, 24, {"bands": ("FM", "FM/DAB"), "color": ("red", "mint", "grey")}),
    Article("Soundbar", "sound", 249.0, 36, {"length": ("60 cm", "90 cm"), "bass": ("built in", "separate")}),
    Article("Travel Ukulele", "sound", 84.0, 12,
            {"size": ("soprano", "concert", "tenor"), "wood": ("koa", "mahogany")}),
    Article("Digital Metronome", "sound", 27.0, 12, {"mount": ("clip", "stand"), "color": ("black", "blue")}),
)
# fmt: on
