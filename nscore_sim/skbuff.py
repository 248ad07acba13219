"""The memory that a message takes, which is what fills a socket's buffer.  Models net/core/skbuff.c, for pages of 4 KiB."""

from __future__ import annotations

PAGE_SIZE = 4096
#: Of a struct sk_buff and of the skb_shared_info behind the data, aligned.  include/linux/skbuff.h:SKB_TRUESIZE
SK_BUFF, SHARED_INFO = 256, 320
#: As much as one page, or four, have room for.  include/linux/skbuff.h
SKB_MAX_HEAD, SKB_MAX_ALLOC = PAGE_SIZE - SHARED_INFO, 4 * PAGE_SIZE - SHARED_INFO
#: What can be in pages of its own: MAX_SKB_FRAGS.
SKB_FRAGS_SIZE = 17 * PAGE_SIZE


def truesize(size: int, head: int) -> int:
    """What size bytes take where what is beyond head lies in pages of its own.  net/core/skbuff.c:alloc_skb_with_frags"""
    paged = min(size, page_align(max(size - head, 0)), SKB_FRAGS_SIZE)
    return kmalloc_size_roundup(size - paged + SHARED_INFO) + SK_BUFF + page_align(paged)


def page_align(size: int) -> int:
    """include/linux/mm.h:PAGE_ALIGN"""
    return -(-size // PAGE_SIZE) * PAGE_SIZE


def kmalloc_size_roundup(size: int) -> int:
    """From 256 bytes on all sizes are powers of two.  mm/slab_common.c:kmalloc_size_roundup"""
    return 1 << (size - 1).bit_length()
