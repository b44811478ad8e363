"""One small invented page in each language that the reader knows labels of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crawler.html import parse_html
from crawler.labels import LANGUAGES
from crawler.listings import ListingReader
from crawler.regions import make_page

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
FIELDS = (
    "seller",
    "price",
    "ships_from",
    "ships_to",
    "stock",
    "posted",
    "payment",
    "sold",
    "category",
    "description",
)
PAGES = {
    "bn": "বিক্রেতা|মূল্য|থেকে পাঠানো হয়|গন্তব্য|স্টক|প্রকাশিত|পেমেন্ট|বিক্রি হয়েছে|বিভাগ|বিবরণ",
    "ne": "बिक्रेता|मूल्य|बाट पठाइन्छ|गन्तव्य|मौज्दात|प्रकाशित|भुक्तानी|बिक्री भयो|श्रेणी|विवरण",
    "sw": "Muuzaji|Bei|Inatumwa kutoka|Inatumwa kwenda|Zilizobaki|Imewekwa|Malipo|Zimeuzwa|Kategoria|Maelezo",
    "ms": "Penjual|Harga|Dihantar dari|Dihantar ke|Baki stok|Disiarkan|Kaedah pembayaran|Terjual|Kategori|Penerangan",
    "en": "Vendor|Price|Ships from|Ships to|In stock|Listed on|Payment|Sold|Category|Description",
    "de": "Verkäufer|Preis|Versand aus|Versand nach|Auf Lager|Eingestellt am|Zahlungsart|Verkauft|Kategorie|Beschreibung",
    "es": "Vendedor|Precio|Envío desde|Envíos a|Existencias|Publicado el|Forma de pago|Vendidos|Categoría|Descripción",
    "fr": "Vendeur|Prix|Expédié depuis|Expédié vers|En stock|Publié le|Mode de paiement|Vendus|Catégorie|Détails",
    "pt": "Vendedor|Preço|Enviado de|Envia para|Em estoque|Publicado em|Forma de pagamento|Vendidos|Categoria|Descrição",
    "it": "Venditore|Prezzo|Spedito da|Spedisce a|Disponibilità|Pubblicato il|Metodo di pagamento|Venduti|Categoria|Descrizione",
    "nl": "Verkoper|Prijs|Verzonden vanuit|Verzending naar|Voorraad|Geplaatst op|Betaalmethode|Verkocht|Categorie|Omschrijving",
    "ru": "Продавец|Цена|Отправка из|Доставка в|В наличии|Опубликовано|Способ оплаты|Продано|Категория|Описание",
    "zh": "賣家|價格|發貨地|發往|庫存|發佈時間|付款方式|已售|分類|商品描述",
    "vi": "Người bán|Giá bán|Gửi từ|Gửi đến|Còn lại|Ngày đăng|Thanh toán|Đã bán|Danh mục|Mô tả",
    "pl": "Sprzedawca|Cena|Wysyłka z|Wysyłka do|Na stanie|Dodano|Płatność|Sprzedano|Kategoria|Opis",
    "tr": "Satıcı|Fiyat|Gönderim yeri|Gönderilen yer|Stok|İlan tarihi|Ödeme|Satıldı|Kategori|Açıklama",
    "cs": "Prodejce|Cena|Odesílá se z|Odesílá se do|Skladem|Přidáno|Způsob platby|Prodáno|Kategorie|Popis",
    "ro": "Vânzător|Preț|Expediat din|Expediat către|În stoc|Publicat la|Metodă de plată|Vândute|Categorie|Descriere",
    "uk": "Продавець|Ціна|Відправка з|Доставка до|В наявності|Опубліковано|Спосіб оплати|Продано|Категорія|Опис",
    "el": "Πωλητής|Τιμή|Αποστολή από|Αποστολή προς|Απόθεμα|Ημερομηνία|Τρόπος πληρωμής|Πωλήσεις|Κατηγορία|Περιγραφή",
    "ar": "البائع|السعر|الشحن من|الشحن إلى|المخزون|تاريخ النشر|طريقة الدفع|المبيعات|الفئة|الوصف",
    "fa": "فروشنده|قیمت|ارسال از|ارسال به|موجودی|تاریخ انتشار|روش پرداخت|تعداد فروش|دسته بندی|توضیحات",
    "ja": "出品者|価格|発送元|発送先|在庫|出品日|支払い方法|販売数|カテゴリ|商品説明",
    "ko": "판매자|가격|발송지|배송지|재고|등록일|결제 방법|판매량|카테고리|상품 설명",
    "th": "ผู้ขาย|ราคา|ส่งจาก|ส่งไปที่|คงเหลือ|วันที่โพสต์|วิธีชำระเงิน|ขายแล้ว|หมวดหมู่|รายละเอียด",
    "id": "Penjual|Harga|Dikirim dari|Dikirim ke|Stok|Diposting|Pembayaran|Terjual|Kategori produk|Deskripsi",
    "hi": "विक्रेता|कीमत|मूल देश|गंतव्य|स्टॉक|दिनांक|भुगतान|कुल बिक्री|श्रेणी|विवरण",
    "lo": "ຜູ້ຂາຍ|ລາຄາ|ສົ່ງຈາກ|ສົ່ງໄປ|ຍັງເຫຼືອ|ວັນທີ|ການຊຳລະເງິນ|ຂາຍແລ້ວ|ໝວດໝູ່|ລາຍລະອຽດ",
    "km": "អ្នកលក់|តម្លៃ|ផ្ញើពី|ផ្ញើទៅ|ស្តុក|កាលបរិច្ឆេទ|ការទូទាត់|បានលក់|ប្រភេទ|ការពិពណ៌នា",
    "my": "ရောင်းသူ|ဈေးနှုန်း|ပို့ဆောင်သည့်နေရာ|ပို့ဆောင်မည့်နေရာ|လက်ကျန်|ရက်စွဲ|ငွေပေးချေမှု|ရောင်းပြီး|အမျိုးအစား|ဖော်ပြချက်",
}  # fmt: skip
VALUES = (
    "nk88",
    "USD 410.00",
    "Quovia",
    "Ostmark, Vell",
    "4",
    "2026-10-03",
    "Escrow",
    "12",
    "Old things / Carvings",
)
TEXT = "<p>Line one of it.</p><p>Line two of it.</p>"
WANT = {
    "title": "Grey box No. 7",
    "seller": "nk88",
    "price_amount": Decimal("410.00"),
    "price_currency": "USD",
    "ships_from": "Quovia",
    "ships_to": ("Ostmark", "Vell"),
    "stock": "4",
    "posted": datetime(2026, 10, 3, tzinfo=UTC),
    "payment": "Escrow",
    "escrow": "yes",
    "sold": 12,
    "category": ("Old things", "Carvings"),
    "description": "Line one of it.\n\nLine two of it.",
}


def in_table(labels: list[str]) -> str:
    rows = "".join(
        f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in zip(labels, VALUES, strict=False)
    )
    return f"<table>{rows}</table><h3>{labels[-1]}</h3><div>{TEXT}</div>"


def in_lines(labels: list[str]) -> str:
    rows = "".join(f"<p>{name}: {value}</p>" for name, value in zip(labels, VALUES, strict=False))
    return f"{rows}<h3>{labels[-1]}</h3><div>{TEXT}</div>"


def in_boxes(labels: list[str]) -> str:
    rows = "".join(
        f"<div class=r><span class=k>{name}</span> <span class=v>{value}</span></div>"
        for name, value in zip(labels, VALUES, strict=False)
    )
    return f"<section>{rows}</section><h3>{labels[-1]}</h3><div>{TEXT}</div>"


MAKES = {"table": in_table, "lines": in_lines, "boxes": in_boxes}


def test_there_is_a_page_for_every_language() -> None:
    assert set(PAGES) == set(LANGUAGES)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("language", PAGES)
def test_a_page_of_the_language(language: str, make: str) -> None:
    labels = PAGES[language].split("|")
    assert len(labels) == len(FIELDS)
    html = f"<html><body><h1>Grey box No. 7</h1>{MAKES[make](labels)}</body></html>"
    reader = ListingReader(make_page(parse_html(html)), captured_at=CAPTURED)
    found = {name: reader.fields[name].value for name in WANT if name in reader.fields}
    assert found == WANT
    assert reader.leftovers() == ()
