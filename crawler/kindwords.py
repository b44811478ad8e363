"""Words in headings and titles that say what kind a page is, in the languages that markets are written in.

Public names: NOT_FOUND, NOTICE, RULES, HOME, FEATURED, PROFILE, RESULTS, NOTHING, ERRANDS, KEY, ORDER.

Each is a pattern for a whole heading or one part of a title, so it does not matter what else the page talks about.
"""

from __future__ import annotations

import re


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


NOT_FOUND = _words(
    r"\b404\b|not found|does not exist|no longer (?:available|exists)|nicht gefunden|existiert nicht|no encontrad|no existe|introuvable|n'existe",
    r"não encontrad|não existe|non trovat|non esiste|niet gevonden|bestaat niet|не найден|не существу[ею]т|снят\\w* с продажи|больше не прода|未找到|找不到|不存在|không tìm thấy",
    r"nie znalezion|nie istnieje|bulunamadı|nenalezen|nem található|nu a fost găsit|hittades inte|ikke fundet|ikke funnet|ei löytynyt|δεν βρέθηκε",
    r"غير موجود|یافت نشد|לא נמצא|नहीं मिला|ไม่พบ|tidak ditemukan|見つかりません|찾을 수 없|haipatikani",
)
NOTICE = _words(
    r"information|info|notice|message|error|oops!?|sorry!?|attention|warning|hinweis|meldung|fehler|información|aviso|mensaje|error|avis|erreur|attention",
    r"informação|mensagem|erro|informazione|avviso|errore|melding|fout|информация|сообщение|ошибка|внимание|інформація|помилка|informacja|komunikat|błąd",
    r"bilgi|hata|uyarı|informace|chyba|upozornění|informație|eroare|πληροφορίες|σφάλμα|معلومات|خطأ|اطلاعات|خطا|提示|信息|错误|系统提示|提示信息|錯誤|thông báo|lỗi",
    r"エラー|お知らせ|알림|오류|แจ้งเตือน|ข้อผิดพลาด|informasi|kesalahan|सूचना|त्रुटि",
)
RULES = _words(
    r"\brules?\b|\bfaqs?\b|terms (?:of|and|&)|\bterms$|^help$|help cent(?:er|re)|^guides?$|guidelines|polic(?:y|ies)$|how (?:to|it works)|code of conduct|prohibited|forbidden",
    r"regeln$|regelwerk|^hilfe$|nutzungsbedingungen|^agb$|häufige fragen|verboten|anleitung|reglas|normas|^ayuda$|términos|preguntas frecuentes|prohibid",
    r"règle(?:s|ment)|^aide$|conditions (?:d'utilisation|générales)|foire aux questions|interdit|regras|^ajuda$|perguntas frequentes|regole|regolamento|^aiuto$|vietat",
    r"regels|huisregels|voorwaarden|veelgestelde|правила|помощь|запрещ|частые вопросы|规则|规定|帮助|常见问题|規則|公约|守则|须知|條款|条款|quy định|nội quy|trợ giúp|câu hỏi thường",
    r"regulamin|zasady|^pomoc$|kurallar|yardım|sıkça sorulan|pravidla|szabályzat|reguli|regler|säännöt|κανόνες|правила|القواعد|قوانین|כללים|नियम|กฎ|aturan|ルール|規約|규칙|kanuni",
)
HOME = _words(
    r"^(?:forums?|f[óo]runs?|foros?|boards|board index|foren(?:übersicht)?|форумы?|论坛|版块|shop ?front|store ?front)$|^(?:start|front|main|index|front ?page|main page|start page|overview)$|\bhome(?:page)?\b|\bwelcome\b|\bwillkommen\b|startseite|\bbienvenid|^inicio$|\baccueil\b|\bbienvenue|\bbem-vind|página inicial|^início$|benvenut|\bwelkom\b|добро пожаловать",
    r"^главная|欢迎|首页|歡迎|trang chủ|chào mừng|strona główna|\bwitaj|ana sayfa|hoş geldin|vítejte|üdvözöl|bun venit|välkommen|velkommen|tervetuloa|καλώς|مرحبا|خوش آمدید|ברוכים",
    r"स्वागत|ยินดีต้อนรับ|selamat datang|ようこそ|환영|karibu",
)
FEATURED = _words(
    r"^(?:featured|latest|newest|new|popular|top|hot|recent(?:ly added)?|trending|recommended|best|random|today'?s)\b.{0,30}$",
    r"^(?:neue|neueste|beliebte|aktuelle|empfohlene)\b.{0,30}$|^(?:nuev[oa]s|destacad[oa]s|últim[oa]s|populares|recientes|recomendad[oa]s).{0,30}$",
    r"(?:à la une|nouve(?:aux|lles)|populaires|récent)|^(?:novidades|destaques|últimos|mais vendidos)|^(?:novità|in evidenza|ultimi|popolari)|^(?:nieuwste?|populair|uitgelicht)",
    r"^(?:новые|новинки|популярн|рекоменд|последние)|最新|热门|推荐|^(?:mới nhất|nổi bật|bán chạy)|^(?:nowe|najnowsze|polecane|popularne)|^(?:yeni|öne çıkan|popüler|son eklenen)",
    r"\bnews\b|announcements?|ankündigung|neuigkeiten|noticias|anuncios del|actualités|annonces du|notícias|notizie|nieuws|новости|объявления администрации|公告|新闻|tin tức|aktualności|haberler|duyuru",
)
PROFILE = _words(
    r"\bprofile?\b|\b(?:vendor|seller|merchant|user)(?: (?:page|info(?:rmation)?|details|shop|store))|^(?:vendor|seller|merchant|member|user|store|shop)\s*[:\s]\s*(?!offers|listings|shops?$|list$|rules|reviews|guides?$|applications?$|bond|front$|floor$|window$|terms$|home$|index$)\S+$|contact (?:vendor|seller)|about (?:the )?(?:vendor|seller)",
    r"profil\b|^(?:händler|verkäufer|anbieter|mitglied)\s*:?\s+\S+$|händlerseite|perfil|^vendedor\s*:?\s+\S+$|^vendeur\s*:?\s+\S+$|profilo|^venditore\s*:?\s+\S+$|profiel|^verkoper\s*:?\s+\S+$",
    r"профиль|^продавец\s*:?\s+\S+$|卖家(?:资料|信息|主页|页面)|个人资料|店铺|hồ sơ|trang người bán|gian hàng|^sprzedawca\s*:?\s+\S+$|^satıcı\s*:?\s+\S+$|profili?$|профіль|الملف الشخصي|פרופיל|โปรไฟล์|プロフィール|프로필",
)
RESULTS = _words(
    r"search|\bresults?\b|^browse|^categor(?:y|ies)\b|^(?:all )?listings?$|^(?:all )?products$|^items$|suche|ergebnis|kategorie|angebote$|búsqueda|buscar|resultado|categoría|recherche|résultat|catégorie",
    r"busca|categoria|ricerca|risultat|zoek|resultat|поиск|результат|категори|каталог|搜索|搜尋|结果|分类|商品列表|tìm kiếm|kết quả|danh mục|szukaj|wynik|kategoria|ara(?:ma)?\b|sonuç|hled|keres|căut|sök|søg|haku|αναζήτ|بحث|חיפוש|खोज|ค้นหา|cari|検索|검색|tafuta",
)
NOTHING = _words(
    r"nothing (?:to show|found|here|matches)|no (?:results?|listings?|items?|products?|offers?|matches|ads)\b|0 (?:results?|listings?|items?|products?|offers?)\b|did not match|could not find any",
    r"keine (?:ergebnisse|treffer|angebote|artikel|einträge)|nichts gefunden|sin resultados|no hay (?:resultados|anuncios|productos|artículos)|no se (?:encontr|han encontrado)",
    r"aucun(?:e)? (?:résultat|annonce|produit|article|offre)|nenhum(?:a)? (?:resultado|anúncio|produto)|nessun(?:a)? (?:risultato|annuncio|prodotto)|geen (?:resultaten|advertenties|producten)",
    r"ничего не найдено|нет (?:результатов|объявлений|товаров)|没有(?:找到|结果|商品)|無結果|không (?:có|tìm thấy) (?:kết quả|sản phẩm)|brak (?:wyników|ofert)|nie znaleziono|sonuç (?:yok|bulunamadı)|žádné výsledky|nincs találat|niciun rezultat|inga träffar|ingen resultater|ei tuloksia|結果はありません|ไม่พบผลลัพธ์|لا توجد نتائج|לא נמצאו תוצאות",
)
ERRANDS = _words(
    r"^(?:my |your |shopping )?(?:cart|basket|orders?|purchases?|wallet|wallets|balance|deposits?|withdrawals?|messages?|inbox|outbox|conversations?|notifications?|settings|account|preferences|tickets?|support|invoices?|checkout|disputes?|favou?rites|watchlist|exchange|transactions?|bookmarks|logout|support tickets?|create (?:ticket|listing)|new (?:ticket|message)|compose(?: message)?|order (?:details|history)|place order|confirm order)$",
    r"^(?:mein(?:e|en)? )?(?:warenkorb|bestellungen|geldbörse|guthaben|nachrichten|posteingang|einstellungen|konto|einzahlung|auszahlung|kasse|tickets)$",
    r"^(?:mi |mis |tu )?(?:carrito|pedidos|cartera|monedero|saldo|mensajes|bandeja de entrada|ajustes|configuración|cuenta|depósito|retiro|notificaciones)$",
    r"^(?:mon |mes |ma )?(?:panier|commandes|portefeuille|solde|messages|boîte de réception|paramètres|compte|dépôt|retrait)$|^(?:carrinho|pedidos|carteira|mensagens|configurações|conta)$",
    r"^(?:carrello|ordini|portafoglio|messaggi|impostazioni)$|^(?:winkelwagen|bestellingen|portemonnee|berichten|instellingen)$|^(?:корзина|заказы|мои заказы|кошел[её]к|баланс|сообщения|настройки|аккаунт)$",
    r"^(?:购物车|我的订单|订单|钱包|消息|设置|账户|充值|提现)$|^(?:giỏ hàng|đơn hàng|ví|tin nhắn|cài đặt)$|^(?:koszyk|zamówienia|portfel|wiadomości|ustawienia)$|^(?:sepet|siparişler|cüzdan|mesajlar|ayarlar)$",
)
KEY = _words(
    r"\bpgp\b|\bgpg\b|public key|öffentlicher schlüssel|clave pública|clé publique|chave pública|chiave pubblica|открытый ключ|публичный ключ|公钥|khóa công khai|klucz publiczny|açık anahtar"
)
ORDER = _words(
    r"^(?:buy(?: now| it now)?|order(?: now)?|purchase|add to (?:cart|basket)|place order|proceed|checkout|pay now|reserve|bid)\W*$|^(?:kaufen|jetzt kaufen|bestellen|in den warenkorb)\W*$",
    r"^(?:comprar(?: ahora)?|añadir al carrito|pedir|acheter|commander|ajouter au panier|adicionar ao carrinho|acquista(?: ora)?|compra|aggiungi al carrello|kopen|in winkelwagen)\W*$",
    r"^(?:купить|заказать|в корзину|добавить в корзину|购买|立即购买|加入购物车|下单|購買|mua(?: ngay)?|đặt hàng|thêm vào giỏ|kup(?: teraz)?|zamów|do koszyka|satın al|sepete ekle|sipariş ver|koupit|vásárlás|cumpără|köp|køb|kjøp|osta|αγορά|شراء|اشتر|خرید|קנה|खरीदें|ซื้อ|beli|購入|구매|nunua)\W*$",
)
