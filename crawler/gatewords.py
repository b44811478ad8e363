"""The words of gates, in the languages in which markets and police forces write them.

Public names: QUEUE, CAPTCHA, LOGIN, LIMITED, BANNED, SEIZED, AUTHORITY, EXIT, DOWN, NOT_FOUND, BLOCKED, SCRIPT, PRICE.

Each is one pattern over folded text (case does not matter). They are clues only: crawler.gates weighs them against what
else stands on the page, because a thread about seizures holds the same words as a seizure.
"""

from __future__ import annotations

import re


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


QUEUE = _words(
    r"\bqueue\b|\bqueued\b|estimated (?:waiting )?time|(?:place|position) in (?:the )?line|waiting (?:room|list for access)",
    r"please wait|you (?:will|are being|have been) (?:automatically )?(?:be )?redirected|checking your browser|ddos|hold on\b",
    r"page (?:will )?(?:re(?:load|fresh)e?s?)\b|warteschlange|bitte warten|wartezeit|\bcola de espera|\ben (?:la )?cola\b|espere",
    r"file d.attente|veuillez patienter|patientez|\bin coda\b|attendere|na fila|fila de espera|aguarde|wachtrij|even geduld",
    r"w kolejce|kolejka|proszę czekać|очеред|подождите|ожидани|черг|зачекайте|sıra(?:da|ya)|bekleyin|排队|排隊|请稍候|請稍候",
    r"お待ちください|順番|대기열|잠시만 기다|กรุณารอ|โปรดรอ|รอคิว|hàng đợi|vui lòng chờ|xin chờ|antrean|harap tunggu|قائمة الانتظار",
)
CAPTCHA = _words(
    r"captcha|\bcap\b|not a robot|are (?:you )?(?:a )?human|prove (?:that )?you|human (?:verification|check)|anti-?bot|\bbots?\b check",
    r"security (?:check|challenge|code)|ddos[- ]?protection|puzzle|solve (?:the|this)|following challenge|type the (?:text|letters|char)",
    r"(?:enter|type) the (?:code|letters|characters|text|digits)|(?:characters|letters|code|text) (?:you see|shown|in the image|below)",
    r"select (?:each|all|every|the) |click (?:on )?the (?:open|odd|broken|right)|rotate the|sicherheitsabfrage|sicherheitscode",
    r"(?:geben sie|gib) den (?:code|text)|kein roboter|código de (?:seguridad|verificación)|no (?:soy|eres) un robot",
    r"code de (?:sécurité|vérification)|recopiez|pas un robot|codice di (?:sicurezza|verifica)|non sono un robot|não sou um robô",
    r"código de segurança|przepisz kod|kod z obrazka|nie jestem robotem|капч|код с картинки|код с изображения|не робот|символы",
    r"güvenlik kodu|robot değil|验证码|驗證碼|人机|人機|画像認証|認証コード|文字を入力|보안 ?문자|자동 ?입력|รหัสยืนยัน|แคปช่า|mã xác (?:nhận|minh)|رمز التحقق",
)
LOGIN = _words(
    r"\blog[ -]?in\b|\blogin|\bsign[ -]?in\b|\bauthenticat|members? (?:only|area)|restricted area|anmeld|einloggen",
    r"inici(?:ar|o de|e) sesión|acceder|identif(?:icación|ícate|iez)|connexion|se connecter|connectez|accedi\b|entrar\b|iniciar sessão",
    r"inloggen|logga in|zaloguj|logowanie|вход\b|войти|войдите|авториз|увійти|giriş|登录|登錄|登入|ログイン|로그인|เข้าสู่ระบบ|đăng nhập|masuk\b|تسجيل الدخول",
)
LIMITED = _words(
    r"too many (?:requests|connections|attempts|page)|rate[- ]?limit|request limit|slow down|(?:requesting|sending|making|loading|clicking)"
    r" (?:pages |requests )?(?:too|so) (?:fast|quick|often|many)|(?:exceeded|reached) (?:the|your) (?:rate|limit|allowed|number)",
    r"flood (?:protection|control|detected)|try again in (?:a few|\d+) (?:seconds|minutes)|zu viele (?:anfragen|zugriffe)|langsamer",
    r"demasiad[ao]s (?:peticiones|solicitudes)|trop de requêtes|troppe richieste|(?:muitas|excesso de) (?:solicitações|requisições)",
    r"te veel verzoeken|zbyt wiele (?:żądań|zapytań)|слишком (?:много|часто)|çok fazla istek|请求过于频繁|操作频繁|请求太多|過多|アクセスが集中",
    r"リクエストが多すぎ|요청이 너무 많|คำขอมากเกินไป|quá nhiều yêu cầu|terlalu banyak permintaan|طلبات كثيرة",
)
BANNED = _words(
    r"(?:you|your (?:account|ip|session|user(?:name)?|access|identity|circuit|connection|cookie)(?: address)?) (?:have |has |are |is |was |were |been )*"
    r"(?:permanently |temporarily |currently |now )*(?:banned|suspended|blocked|disabled|terminated|locked|deactivated|blacklisted|barred)",
    r"account (?:suspended|banned|disabled|locked|terminated|blocked)",
    r"(?:ihr|dein) (?:konto|zugang|account) (?:wurde|ist) (?:\w+ )?(?:gesperrt|gebannt|deaktiviert|blockiert)|(?:sie|du) (?:wurden|wurdest) (?:gesperrt|gebannt)",
    r"(?:su|tu) cuenta (?:ha sido|está|fue) (?:\w+ )?(?:suspendida|bloqueada|baneada|desactivada)",
    r"votre compte (?:a été|est) (?:\w+ )?(?:suspendu|bloqué|banni|désactivé)|vous (?:avez été|êtes) (?:banni|bloqué)",
    r"(?:il tuo|suo) account è (?:stato )?(?:\w+ )?(?:sospeso|bloccato|bannato)|sua conta (?:foi|está) (?:\w+ )?(?:suspensa|bloqueada|banida)",
    r"(?:je|uw) account is (?:\w+ )?(?:geblokkeerd|geschorst|verbannen)|(?:twoje|twój) konto zostało (?:\w+ )?(?:zawieszone|zablokowane|zbanowane)",
    r"(?:ваш|твой|ваша)[^.!?]{0,30}(?:заблокирован|забанен|приостановлен)|вы (?:были )?(?:забанены|заблокированы)|ваш[^.!?]{0,20}заблоковано",
    r"hesabınız (?:\w+ )?(?:askıya|yasaklan|engellen|kapat)|(?:您|你)的?(?:账号|帐号|账户|帳號|帳戶|IP)[^。]{0,10}(?:封禁|封停|禁用|冻结|凍結|停用|屏蔽)",
    r"アカウント[^。]{0,12}(?:停止|凍結|禁止)|계정[^.]{0,12}(?:정지|차단)|บัญชี[^.]{0,20}(?:ระงับ|แบน|บล็อก)|tài khoản[^.]{0,30}(?:bị khóa|bị cấm|đình chỉ)",
    r"akun anda[^.]{0,20}(?:diblokir|ditangguhkan)|حسابك[^.]{0,20}(?:حظر|محظور|موقوف)",
)
SEIZED = _words(
    r"\b(?:site|service|market(?:place)?|domain|website|server|platform|forum|page)s?\b[^.!?]{0,40}(?:has|have) (?:now )?been (?:seized|taken (?:down|over))",
    r"\b(?:site|service|market|domain|website|platform|forum)\b[^.!?]{0,20}\b(?:was|is|were) seized|\bseized by\b|\bseizure (?:notice|warrant)",
    r"beschlagnahmt|sichergestellt (?:durch|vom)|(?:ha|han) sido (?:incautad|confiscad|intervenid)|a été saisi|saisie? (?:par|du site)",
    r"(?:è|stato|stata) (?:posto sotto )?sequestrat|foi (?:apreendid|confiscad)|in beslag genomen|overgenomen door|przejęt[aey]|zajęt[aey] przez",
    r"конфискован|изъят[аоы]?\b|арестован[аоы]?\b|вилучено|el kon(?:ul|muştur)|beslagtagits|beslaglagt|takavarik|zabaven|lefoglalt",
    r"查封|取缔|押収|摘発|압수|폐쇄되었습니다|ถูกยึด|bị (?:tịch thu|triệt phá)|telah disita|تم(?:ت)? مصادر|צו תפיסה",
)
AUTHORITY = _words(
    r"\bfbi\b|europol|interpol|law enforcement|department of justice|homeland|\bdea\b|\bice\b|\bnca\b|\birs\b|police|polizei|polic[íi]a|polizia",
    r"politie|polis\b|policja|bundeskriminalamt|\bbka\b|staatsanwalt|zentralstelle|gendarmerie|guardia|prosecutor|attorney|court|tribunal|gericht",
    r"warrant|operation\b|joint action|полиц|фсб|мвд|прокур|следств|суд\b|公安|警察|检察|検察|경찰|검찰|ตำรวจ|công an|polda|الشرطة",
)
EXIT = _words(
    r"(?:we|market(?:place)?|site|service|forum|shop) (?:\w+ ){0,4}(?:shut(?:ting)? (?:it )?down|clos(?:ed?|ing) (?:its doors|for good|permanently|down|forever)|retir(?:e|ed|ing))",
    r"(?:permanently|forever|for good) (?:closed|offline|shut)|(?:final|last|farewell|closing|retirement|exit) (?:notice|announcement|message|words)|\bgood ?bye\b",
    r"(?:withdraw|cash out) (?:all )?(?:your )?(?:remaining )?(?:funds|coins|balance|money)|has (?:shut down|ceased|retired)|no longer (?:in operation|operating)",
    r"(?:markt|seite|shop|forum|wir) (?:\w+ ){0,3}(?:schließ|geschlossen|stellen? .{0,20}ein)|endgültig geschlossen|auf wiedersehen",
    r"(?:cerramos|cierra|hemos cerrado|cerrado) (?:definitiv|para siempre)|fermons? (?:définitiv|nos portes)|fermé définitivement|chiude definitivamente|chiuso per sempre",
    r"encerr(?:amos|ado) (?:definitiv|as atividades)|voorgoed gesloten|zamknięt[ay] na (?:stałe|zawsze)|закрыва(?:ется|емся|ем)\b|закрыт[ао]? навсегда|прекра(?:щает|тил) работу",
    r"kalıcı olarak kapat|永久关闭|永久關閉|关站|停止运营|閉鎖(?:いた|し)ます|サービス終了|서비스를? 종료|ปิดถาวร|đóng cửa vĩnh viễn|tutup (?:permanen|selamanya)|أغلق نهائيا",
)
DOWN = _words(
    r"\b50[0234]\b\s*[-–:|]?\s*(?:bad gateway|service|gateway|internal|error|server)|bad gateway|gateway time-?out|service (?:is )?(?:temporarily )?unavailable",
    r"internal server error|temporarily (?:unavailable|offline|down)|(?:under|scheduled|down for|in) maintenance|maintenance mode|be right back|back (?:soon|shortly|online soon)",
    r"welcome to nginx|apache2? .{0,20}default page|it works!|onion ?balance|no (?:healthy|available) (?:backend|upstream)|upstream|backend fetch failed",
    r"database (?:connection )?error|error establishing a database|sqlstate|fatal error|uncaught exception|something went wrong|whoops|server (?:is )?(?:overloaded|busy|too busy)",
    r"could not connect to|connection (?:refused|timed out)|wartungsarbeiten|wartungsmodus|vorübergehend nicht|en mantenimiento|no disponible temporalmente",
    r"en maintenance|temporairement indisponible|in manutenzione|em manutenção|in onderhoud|przerwa techniczna|konserwacj|техническ(?:ие|их) работ|временно недоступ|обслуживани",
    r"bakımda|bakım çalışma|维护中|維護中|系统维护|メンテナンス|점검 ?중|ปิดปรับปรุง|bảo trì|sedang dalam (?:pemeliharaan|perbaikan)|قيد الصيانة",
)
NOT_FOUND = _words(
    r"(?:error\s*)?404(?:\s*[-–:|]?\s*(?:error|not found|page not found))?[.!]?",
    r"(?:the |this |that |requested |your )*(?:page|listing|product|item|offer|ad|advert(?:isement)?|seller|vendor|user|profile|thread|topic|post|category|file|url|object)s?"
    r"(?: you (?:requested|are looking for|were looking for))?(?: (?:was|is|could|can|does|has|did))? ?(?:not|no longer|cannot)(?: be| been)? ?(?:found|available|exists?|listed)?[^.]{0,30}[.!]?",
    r"not found[.!]?|(?:\w+ ){0,3}nicht (?:gefunden|vorhanden|mehr verfügbar)[.!]?|(?:\w+ ){0,3}existiert nicht(?: mehr)?[.!]?|(?:\w+ ){0,4}no (?:encontrad[ao]|existe|está disponible)[.!]?",
    r"(?:\w+ ){0,4}introuvable[.!]?|(?:\w+ ){0,4}n.existe (?:pas|plus)[.!]?|(?:\w+ ){0,4}não (?:encontrad[ao]|existe)[.!]?|(?:\w+ ){0,4}non (?:trovat[ao]|esiste)[.!]?",
    r"(?:\w+ ){0,4}niet gevonden[.!]?|nie znaleziono(?: \w+){0,2}[.!]?|(?:\w+ ){0,4}не (?:найден[ао]?|существует)[.!]?|(?:\w+ ){0,3}bulunamadı[.!]?",
    r"[\w ]{0,12}(?:未找到|找不到|不存在)[\w ]{0,8}[。!]?|[\w ]{0,16}(?:見つかりません|存在しません)(?:でした)?。?|[\w ]{0,12}찾을 수 없습니다[.]?",
    r"ไม่พบ[\u0E00-\u0E7F ]{0,20}|không tìm thấy(?: \w+){0,3}[.!]?|(?:\w+ ){0,3}tidak ditemukan[.!]?|[\w ]{0,20}غير موجودة?[.!]?",
)
"""For whole titles and headings (fullmatch), never for a search in text: "no results found" is a page of content."""
BLOCKED = _words(
    r"access (?:is |was |has been )?(?:denied|forbidden|blocked|restricted)|\bforbidden\b|request (?:was |has been |is )?(?:blocked|rejected|denied|refused)",
    r"not (?:allowed|authori[sz]ed|permitted)|permission denied|zugriff (?:verweigert|gesperrt)|acceso (?:denegado|prohibido)|accès (?:refusé|interdit)",
    r"accesso negato|acesso negado|toegang geweigerd|odmowa dostępu|доступ (?:запрещ|закрыт|ограничен)|erişim engellen|拒绝访问|禁止访问|存取被拒|アクセス(?:が)?拒否|접근.{0,4}거부",
)
SCRIPT = _words(
    r"(?:enable|requires?|turn on|activate|without|needs?) java ?script|javascript (?:is )?(?:required|disabled|must be)|javascript (?:aktivieren|einschalten)"
    r"|включите javascript|activ(?:ez|ar|e) javascript|请启用 ?javascript"
)
PRICE = re.compile(
    r"[$€£¥₿฿₽]\s?\d|\d\s?[$€£¥₽元円]|\b\d[\d.,]*\s?(?:usd|eur|gbp|aud|cad|chf|rub|btc|xmr|ltc|eth|usdt|bch)\b"
    r"|\b(?:usd|eur|gbp|aud|cad|chf|rub|btc|xmr|ltc|eth|usdt|bch)\s?\d",
    re.IGNORECASE,
)
