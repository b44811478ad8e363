"""The words by which people announce a handle, in the languages and scripts that markets are written in.

Public names: CUES, FILLERS, NOT_HANDLES, JOINERS.

A cue in Latin letters stands as a word of its own; one in another script may touch what follows. Slang and deliberate
misspellings ("vx", "薇信", "飞机") are what such ads really say.
"""

from __future__ import annotations

CUES: dict[str, tuple[str, ...]] = {
    "telegram": (
        "telegram", "telegramm", "telegrama", "telegrame", "télégramme", "telegran", "telegrem", "telega", "tele", "tg", "tlg", "tgram", "tel3gram",
        "телеграм", "телеграмм", "телеграмме", "телеграме", "телега", "телегу", "телеге", "тг", "тлг", "телеграма", "тэлеграм",
        "电报", "電報", "飞机", "飛機", "纸飞机", "紙飛機", "テレグラム", "텔레그램", "텔레", "텔레그람",
        "تلغرام", "تليغرام", "تيليغرام", "تلجرام", "تليجرام", "تيليجرام", "تيلجرام", "تلگرام", "ٹیلی گرام", "ٹیلیگرام", "טלגרם",
        "टेलीग्राम", "टेलिग्राम", "টেলিগ্রাম", "டெலிகிராம்", "เทเลแกรม", "เทเลแกรม์", "เทเลกราม", "ເທເລແກຣມ", "ເທເລກຣາມ", "តេឡេក្រាម", "តេលេក្រាម",
        "တယ်လီဂရမ်", "တယ်လီဂရမ်း", "τέλεγκραμ", "τελεγκραμ", "τηλεγραμ", "տելեգրամ", "ტელეგრამი", "ტელეგრამ",
    ),
    "wechat": (
        "wechat", "we chat", "weixin", "wei xin", "wx", "vx", "v信", "v x", "w信",
        "微信", "薇信", "威信", "徽信", "围信", "卫星", "微❤", "加v", "加薇", "微讯", "вичат", "вейсинь", "위챗", "ウィーチャット", "微號", "微号",
        "ويتشات", "وي شات", "วีแชท", "วีแชต", "ວີແຊັດ", "วีแชท", "ဝီချက်", "វីឆាត", "वीचैट",
    ),
    "whatsapp": (
        "whatsapp", "whats app", "whats-app", "what's app", "what’s app", "watsap", "whatsap", "watsapp", "whatapp", "wapp", "whats", "wa", "wsp", "wspp", "zap", "zapzap",
        "вотсап", "ватсап", "вацап", "воцап", "вотсапп", "ватсапп", "whatsup", "واتساب", "واتس اب", "واتس آپ", "واتس", "واتساپ", "وٹس ایپ", "וואטסאפ", "ווטסאפ",
        "व्हाट्सएप", "व्हाट्सऐप", "হোয়াটসঅ্যাপ", "วอทส์แอป", "วอตส์แอปป์", "왓츠앱", "와츠앱", "ワッツアップ", "瓦次普", "վաթսափ",
    ),
    "kik": ("kik", "kik messenger", "кик"),
    "zalo": ("zalo", "zl", "za lo", "zalô", "зало", "잘로", "ซาโล"),
    "signal": (
        "signal", "signal messenger", "signalapp", "сигнал", "سيجنال", "سيغنال", "سیگنال", "סיגנל", "सिग्नल", "সিগন্যাল", "시그널", "シグナル", "ซิกแนล",
    ),
    "threema": ("threema", "threma", "треема", "трима", "θρίμα", "ثريما", "スリーマ", "쓰리마"),
    "wickr": (
        "wickr", "wickr me", "wickrme", "wickr pro", "wicker", "wicker me", "wikr", "викр", "виккр", "викер", "ويكر", "ウィッカー", "위커", "วิคเกอร์",
    ),
    "session": ("session", "session id", "session messenger", "getsession", "сессия", "сешн", "сессион", "session会话", "セッション", "세션"),
    "tox": ("tox", "tox id", "toxid", "qtox", "utox", "токс", "トックス", "톡스"),
    "jabber": ("jabber", "xmpp", "jid", "джаббер", "жаббер", "джабер", "жаба", "жабу", "жабе", "جابر", "ジャバー", "자버"),
    "icq": ("icq", "аська", "аську", "асю", "айсикью"),
    "qq": ("qq", "扣扣", "企鹅号", "qq号", "q号", "qq號"),
    "viber": ("viber", "вайбер", "вибер", "فايبر", "وایبر", "ไวเบอร์", "바이버", "viberu"),
    "element": ("element", "matrix", "riot.im", "матрикс", "элемент"),
    "email": (
        "email", "e-mail", "mail", "mailto", "e mail", "protonmail", "proton", "tutanota", "correo", "correo electrónico", "courriel", "mél", "posta",
        "e-posta", "eposta", "e-post", "sähköposti", "poczta", "email-adresse", "почта", "почту", "мыло", "имейл", "эл. почта", "пошта", "e-mailadres",
        "邮箱", "郵箱", "邮件", "電郵", "电邮", "メール", "이메일", "메일", "بريد", "ايميل", "إيميل", "ایمیل", "מייל", 'דוא"ל',
        "ईमेल", "ইমেইল", "อีเมล", "อีเมล์", "ອີເມລ", "អ៊ីមែល", "အီးမေးလ်", "thư điện tử", "surel", "barua pepe",
    ),
}  # fmt: skip
"""Kind of contact: the words that announce it, in lower case."""

FILLERS = (
    "messenger", "id", "ids", "handle", "name", "user", "username", "nick", "nickname", "me", "only", "at", "is", "us", "on", "acc", "account", "add",
    "contact", "number", "no", "nr", "num", "app", "chat", "link", "channel", "here", "my", "our", "new", "the", "via", "us at", "me at", "us on", "me on", "a", "al", "à", "an", "auf", "bei", "im", "di", "por", "par", "su", "do",
    "ник", "логин", "контакт", "номер", "канал", "мой", "наш", "пишите", "аккаунт", "юзер", "в", "на",
    "usuario", "contacto", "cuenta", "número", "nombre", "utilisateur", "compte", "numéro", "nutzer", "benutzer", "nummer", "konto", "kontakt", "utente",
    "tên", "số", "liên hệ", "nick zalo", "qua", "nomor", "akun", "kullanıcı", "adı", "numara", "nome", "conta", "hesap", "pseudo", "kanal", "kanał", "naam",
    "号", "號", "号码", "號碼", "账号", "帐号", "帳號", "账户", "搜索", "搜", "加", "联系", "聯繫", "联系方式", "客服", "频道", "群", "同号", "同步", "请加",
    "アカウント", "の", "は", "アイディ", "아이디", "문의", "연락", "معرف", "حساب", "رقم", "قناة", "آیدی", "شماره", "ไอดี", "เบอร์", "आईडी", "नंबर",
)  # fmt: skip
"""Words that may stand between a cue and the handle."""

_NOT_HANDLES = """
    contact contacts message messages only please channel channels group groups account accounts support available and welcome with your here
    link links name names user users username number numbers private chat chats messenger messaging write writes send order orders ordering
    email mail jabber xmpp wickr session threema signal wechat weixin zalo whatsapp telegram viber element matrix icq tox pgp none
    about after again also always another anytime asap before below best better between both business buyer buyers buying call cash check
    click communication confirm customer customers deal deals delivery details direct discount does each encrypted escrow every everyone
    fast first follow free from full good help info information instead join just know list live local look make market menu more must need
    never news next note offer offers online open other ours over page pass payment people photo photos pics picture pictures ping post
    price prices product products profile public question questions quick quote ready real reply request safe sale sales samples secret
    secure sell seller sellers service services shipping shop since some soon start still stock store take talk team text than thank thanks
    that their them then there these they this those time today token tokens tomorrow trade trust trusted under updates upon verified very
    want website when where which will without work world worldwide would wrote
    bitte kontakt nachricht nur gruppe kanal schreib schreiben oder unter keine
    escribir escribe contacto solo mensaje grupo enviar sobre para tambien también pedidos consultas
    contacter message seulement groupe pour avec envoyer commande écrire
    contatto scrivere solo gruppo messaggio ordini grazie
    contato mensagem apenas grupo pedido obrigado
    tylko kontakt grupa wiadomosc proszę
    iletişim mesaj grup lütfen sadece
    hubungi pesan grup hanya silakan
"""
NOT_HANDLES = frozenset(_NOT_HANDLES.split())
"""Words that follow the name of a messenger in running text and are no handle."""

_JOINERS = (
    "or and und oder et ou y o e or/and или и и/или 或 和 atau hoặc ve veya lub en of for für por per via"
)
JOINERS = frozenset(_JOINERS.split())
"""After a handle these may follow; any other small word makes a sentence of it, and the handle a word of that."""
