"""Tables of letters that stand for other letters, and the words that disguise is aimed at.

Public names: CONFUSABLES, LOOKALIKES, SIMPLIFIED, LEET_DIGITS, LEET_SIGNS, WATCH_WORDS.
"""

from __future__ import annotations

CONFUSABLES = str.maketrans(
    # Cyrillic, Greek and Armenian letters (already in lower case) that pass for Latin ones; after Unicode's
    # confusables, and letters whose capital looks Latin. Used only inside words that also hold Latin letters.
    "авгекмнопрстухѕіїјԁԛԝһҽѵӏьёя" + "αβεηικνορτυχωγζϲμδ" + "օսոհցգ",
    "abrekmhonpctyxsiijdqwhevlber" + "abenikvoptyxwyzcud" + "ounhgq",
)
LOOKALIKES = str.maketrans(
    # Letters of phonetic and decorative alphabets that NFKC leaves alone; always folded.
    "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢɑɡɩʋıđłøħŧɛɔ",
    "abcdefghijklmnopqrstuvwyzagiviDloht".lower() + "eo",
)
LOOKALIKES.update({0x1F150 + i: 97 + i for i in range(26)})  # white letters in black circles
LOOKALIKES.update({0x1F170 + i: 97 + i for i in range(26)})  # white letters in black squares

# Traditional characters that sellers of these goods use, and their simplified forms.
SIMPLIFIED = str.maketrans(
    "紅黃貨價賣買購運費質實藥膠齒龍鳳鐲佩飾鏈條塊兩個隻對開關係聯繫認證檢驗補壯陽風濕親訂現發國亞熱帶無圖尋詢"
    "請問裡裏產場經營極頂級雜誌論壇騙樣機車進來說話時間點鐘錢銀門號碼確種類獸獅豹鯨麝針線綫繩舊華從歲顆塗擺廠專業後",
    "红黄货价卖买购运费质实药胶齿龙凤镯佩饰链条块两个只对开关系联系认证检验补壮阳风湿亲订现发国亚热带无图寻询"
    "请问里里产场经营极顶级杂志论坛骗样机车进来说话时间点钟钱银门号码确种类兽狮豹鲸麝针线线绳旧华从岁颗涂摆厂专业后",
)

LEET_DIGITS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"}
LEET_SIGNS = {"!": "i", "@": "a", "$": "s", "€": "e", "|": "i"}

# Words worth unmasking when a sign, a leading digit or a star hides a letter (1vory, t!ger, iv*ry).
_WATCHED = """
    ivory ivories tusk tusks rhino rhinos rhinoceros horn horns tiger tigers tigre tigres elephant elephants
    bone bones skin skins pelt pelts tooth teeth fang fangs claw claws paw paws netsuke okimono scrimshaw powder carved
    carving ivoire defense corne elfenbein nashorn nashornhorn stosszahn tigerfell tigerknochen marfil colmillo
    cuerno rinoceronte marfim chifre presa avorio corno zanna gading gajah badak cula harimau taring tulang kulit
    ndovu pembe faru kifaru xiangya xijiao hugu
"""
WATCH_WORDS = frozenset(_WATCHED.split())
